#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * The whole pipeline on this machine: makes an OS repository from the template, runs the five steps as a CI would, each as a process of its own,
 * and boots the result. The steps know nothing of this driver.
 */
import { join } from 'node:path';
import { type ArtifactCache, createArtifactCache, createStore } from '../lib/cache/index.ts';
import { type LoadedSettings, loadSettings, secretsOf } from '../lib/config/index.ts';
import { requireEngine } from '../lib/container/index.ts';
import type { Log } from '../lib/log/index.ts';
import { createRunner } from '../lib/process/index.ts';
import { makeOwnName } from '../lib/process/process-identity.ts';
import { prepareHost } from '../lib/setup/index.ts';
import { configFiles, type StepIo, storeSettings } from '../lib/step/index.ts';
import { readTreeDescription, type TreeDescription } from '../lib/tree/index.ts';
import { makeNightlyVersion } from '../lib/version/index.ts';
import { type NightlyRequest, nightlyHelp, parseNightlyRequest } from './nightly/arguments.ts';
import { freeContainers } from './nightly/free.ts';
import { checkoutBuild, lastBuild } from './nightly/last-build.ts';
import { planNightly } from './nightly/plan.ts';
import { writeNightlyReport } from './nightly/report.ts';
import { runStepScript, type StepRun } from './nightly/run-steps.ts';
import { inspectSdk, type SdkState } from './nightly/sdk-reuse.ts';
import { prepareSigningKey } from './nightly/signing-key.ts';
import { startCommand, summaryText } from './nightly/summary.ts';
import { prepareTree } from './nightly/tree-repository.ts';
import { processIo, SLIPWAY_ROOT } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

/** The OS tree that a nightly builds: the embedded default. */
const TREE_NAME = 'skiff';
const BOOT_FORMAT = 'qemu_uefi';

/** The environment of the steps: this one, the asked-for settings, and a signing key unless the user has one of their own. */
const stepEnvironment = async (
  io: StepIo,
  request: NightlyRequest,
  { values, origins }: LoadedSettings,
  workspace: string,
): Promise<Record<string, string | undefined>> => {
  const hasOwnKey = values.SIGNER !== '' || values.SIGNING_KEY !== '' || values.TRUSTED_KEYS !== '';
  const signing = hasOwnKey ? {} : await prepareSigningKey(join(workspace, 'keys'));
  const config = request.config ? { SLIPWAY_CONFIG: request.config } : {};
  // A person waits here: an image that does not boot is to be told after two tries, not after the twenty of a CI.
  const retries = origins.MAX_RETRIES.kind === 'default' ? { MAX_RETRIES: '2' } : {};
  // By it the steps' events are put together, and a watcher knows whether another step is to come.
  const run = values.SLIPWAY_RUN || makeOwnName();
  return { ...io.env, ...request.settings, ...signing, ...config, ...retries, SLIPWAY_RUN: run };
};

/** The step found that nothing changed since the last build. */
const isUnchanged = (run: StepRun): boolean => run.result?.summary?.outcome === 'unchanged';

/** Runs the steps in order until one fails or finds that there is nothing to do. */
const runSteps = async (
  steps: ReturnType<typeof planNightly>,
  options: { readonly env: Record<string, string | undefined>; readonly cwd: string },
  log: Log,
): Promise<StepRun[]> => {
  const runs: StepRun[] = [];
  for (const [index, call] of steps.entries()) {
    log.info(
      `[${index + 1}/${steps.length}] ${call.step} ${call.args.join(' ')} (${new Date().toISOString().slice(11, 19)} UTC)`,
    );
    const run = await runStepScript(call, { scripts: import.meta.dirname, ...options });
    runs.push(run);
    if (run.exitCode !== 0 || isUnchanged(run)) break;
  }
  return runs;
};

const skippedSteps = (request: NightlyRequest, sdk: SdkState) =>
  request.from === undefined && sdk.isUsable
    ? ['sdk_bootstrap', 'sdk_container'].map((step) => ({ step, why: sdk.why }))
    : [];

/** What the nightly is to build on: the tree at the right commit, the state of its SDK, and the version to make. */
const prepare = async (
  io: StepIo,
  request: NightlyRequest,
  cache: ArtifactCache,
  tree: string,
  description: TreeDescription,
) => {
  const sdk = await inspectSdk(tree, description, cache, io.now());
  const continues = request.from !== undefined && request.from !== 'sdk_bootstrap';
  const version = continues
    ? await checkoutBuild(tree, request.tag ?? (await lastBuild(tree)), request.from ?? '')
    : (request.tag ?? makeNightlyVersion({ now: io.now() }));
  return { sdk, version };
};

const build = async (
  io: StepIo,
  request: NightlyRequest,
  loaded: LoadedSettings,
  log: Log,
  description: TreeDescription,
): Promise<number> => {
  const startedMs = Date.now();
  const settings = loaded.values;
  const workspace = join(settings.SLIPWAY_CACHE_DIR, 'nightly', TREE_NAME);
  const env = await stepEnvironment(io, request, loaded, workspace);
  const { tree, changed } = await prepareTree(workspace, join(SLIPWAY_ROOT, TREE_NAME), description.versionFile);
  if (changed) log.info('The template changed; its changes were committed to the OS repository.');
  const runner = createRunner({ cwd: tree, env: io.env });
  const store = createStore(storeSettings(settings), { log, runner, agentSocket: io.env.SSH_AUTH_SOCK });
  const { sdk, version } = await prepare(io, request, createArtifactCache({ store, log }), tree, description);
  const formats = request.formats ?? description.vms.nightly;
  const steps = planNightly({
    request,
    version,
    arch: settings.ARCH,
    formats,
    bootFormat: formats.includes(BOOT_FORMAT) ? BOOT_FORMAT : 'image',
    sdkIsUsable: sdk.isUsable,
    seed: sdk.isPublished ? sdk.sdk.cacheForm : 'debian',
  });
  log.info(`Building ${version.text} in ${tree}`);
  if (!sdk.isUsable && !request.from) log.info(`A new SDK is made: ${sdk.why}.`);
  const runs = await runSteps(steps, { env, cwd: tree }, log);
  await store.close();
  const report = await writeNightlyReport(tree, startedMs, settings, log, io);
  const last = runs.at(-1);
  if (last && isUnchanged(last)) {
    const { reason } = last.result?.summary ?? {};
    const made = report === undefined ? '' : `Report: ${report}\n`;
    io.stdout(`\nNothing to build: ${reason}.\nAVOID_NIGHTLY_BUILD_SHORTCUTS=1 builds all the same.\n${made}`);
    return 0;
  }
  if (!request.keep) {
    const engine = await requireEngine({ env: { ...io.env, docker: settings.docker }, query: runner });
    const current = version.dockerForm;
    await freeContainers(description, { arch: settings.ARCH, engine: engine.command, tree, current });
  }
  const cacheLocation = settings.BUILDCACHE_SERVER ? settings.BUILDCACHE_URL : settings.BUILDCACHE_DIR;
  io.stdout(
    summaryText({
      version: version.text,
      runs,
      skipped: skippedSteps(request, sdk),
      durationMs: Date.now() - startedMs,
      cacheLocation,
      tree,
      report,
      startCommand: startCommand(runs, {
        tree,
        cacheDir: settings.BUILDCACHE_SERVER ? undefined : settings.BUILDCACHE_DIR,
      }),
    }),
  );
  return last?.exitCode ?? 1;
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async (tools) => {
    // The steps get the signal too and end by themselves; the driver waits for them and reports.
    const unsubscribe = io.onSignal((signal) => tools.log.info(`${signal}: waiting for the running step to stop ...`));
    try {
      const request = parseNightlyRequest(io.argv);
      if (request.help) {
        io.stdout(nightlyHelp());
        return 0;
      }
      const line = { config: request.config };
      const loaded = await loadSettings({
        flags: request.settings,
        env: io.env,
        files: configFiles(io, line),
        cwd: io.cwd,
      });
      const log = tools.openLog(false, secretsOf(loaded.values));
      await prepareHost({ group: 'nightly', env: io.env, log, noInstall: loaded.values.SLIPWAY_NO_INSTALL });
      const description = await readTreeDescription(join(SLIPWAY_ROOT, 'config', 'trees', `${TREE_NAME}.yaml`));
      return await build(io, request, loaded, log, description);
    } finally {
      unsubscribe();
    }
  });

if (import.meta.main) process.exitCode = await main(await processIo());
