#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * Builds a published version again on this machine, with the same step scripts, and compares it with what is published. Reads the cache, writes
 * to none but its own.
 *
 * Needs: git, a container engine, and read access to the cache and to the repository that the version was built from.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { flagOf, type LoadedSettings } from '../lib/config/index.ts';
import { requireEngine } from '../lib/container/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import type { Log } from '../lib/log/index.ts';
import { createRunner } from '../lib/process/index.ts';
import { createStatementReader, PROVENANCE_FOLDER } from '../lib/provenance/index.ts';
import { prepareHost } from '../lib/setup/index.ts';
import type { OpenedStore, StepIo } from '../lib/step/index.ts';
import { explainVersionNumber } from '../lib/version/index.ts';
import { newestWith } from './diff/newest.ts';
import { loadRequested, ofNightlies, type ReadingSettings, readingSettings } from './diff/reading.ts';
import { LATEST, parseReproduceRequest, type ReproduceRequest, reproduceHelp } from './reproduce/arguments.ts';
import { changedPackages } from './reproduce/changed-packages.ts';
import { fetchAll, isUnreachable } from './reproduce/fetch.ts';
import { compareOutcomes, differingIn } from './reproduce/outcome.ts';
import { planReproduction, type ReproducePlan } from './reproduce/plan.ts';
import { reproducePage, reproduceText } from './reproduce/report.ts';
import { findMissing, type RunParts, runAll } from './reproduce/run.ts';
import { checkOutTree, cloneOrigin } from './reproduce/source.ts';
import { foldersOf, type ReproduceFolders, readPlan, writePlan } from './reproduce/workspace.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

/** What one call works with. */
interface Job {
  readonly io: StepIo;
  readonly request: ReproduceRequest;
  readonly loaded: LoadedSettings;
  readonly reading: ReadingSettings;
  readonly opened: OpenedStore;
  readonly log: Log;
}

/** A plan is only as good as what was asked for. */
const isPlanFor = (plan: ReproducePlan | undefined, { steps, fromScratch, areStepsNamed }: ReproduceRequest): boolean =>
  plan !== undefined &&
  plan.isChained === fromScratch &&
  (!areStepsNamed || steps.every((step) => plan.runs.some((run) => run.step === step)));

/** Flags that a step in a checkout understands: the settings as they were given. */
const stepFlags = ({ settings, line }: ReproduceRequest, reading: ReadingSettings, cwd: string): string[] => [
  ...Object.entries({ ...settings, ...reading }).map(([name, value]) => `${flagOf(name)}=${value}`),
  ...(line.config === undefined ? [] : [`--config=${resolve(cwd, line.config)}`]),
];

/** Finds out what is to be done, and fetches what that needs. @returns the plan, or the exit code of a fetch that failed */
const fetchPlan = async (
  { io, request, loaded, reading, opened, log }: Job,
  version: string,
  folders: ReproduceFolders,
): Promise<ReproducePlan | number> => {
  const { store, verifier, temp } = opened;
  const reader = createStatementReader({ store, verifier, temp });
  const plan = await planReproduction(version, request, { reader, location: store.location });
  const runner = createRunner({ cwd: io.cwd, env: io.env, signal: opened.interruption.signal });
  const search = {
    named: request.repository,
    cwd: io.cwd,
    nightlyOrigins: await ofNightlies(loaded.values.SLIPWAY_CACHE_DIR, 'origin.git'),
  };
  const url = await log.phase('clone the sources', () => cloneOrigin(runner, search, plan, folders));
  log.info(`Sources from ${url}`);
  const checkout = join(folders.root, 'checkout');
  await checkOutTree(runner, folders, plan.runs[0]?.tag ?? '', checkout);
  const options = { checkout, flags: stepFlags(request, reading, io.cwd), isWhole: request.fetchOnly };
  const exitCode = await fetchAll(io, plan, folders, options);
  if (exitCode !== 0) return exitCode;
  await writePlan(folders, plan);
  return plan;
};

/** What was fetched before is as good, when there is no network now. */
const findPlan = async (job: Job, version: string, folders: ReproduceFolders): Promise<ReproducePlan | number> => {
  const { request, log } = job;
  const kept = await readPlan(folders);
  const mayKeep = kept !== undefined && isPlanFor(kept, request);
  if (request.offline) {
    if (mayKeep) return kept;
    throw slipwayError('REPRODUCE_NOT_FETCHED', { version, missing: ['nothing was fetched for this'] });
  }
  try {
    return await fetchPlan(job, version, folders);
  } catch (error) {
    if (!isUnreachable(error) || !mayKeep) throw error;
    log.warn('Cache or sources cannot be reached; going on with what was fetched before.');
    return kept;
  }
};

const reproduce = async (job: Job, version: string): Promise<number> => {
  const { io, request, loaded, opened, log } = job;
  const { signal } = opened.interruption;
  const settings = loaded.values;
  const folders = foldersOf(settings.SLIPWAY_CACHE_DIR, version);
  const plan = await findPlan(job, version, folders);
  if (typeof plan === 'number') return plan;
  const runner = createRunner({ cwd: folders.root, env: io.env, signal });
  const engine = await requireEngine({ env: { ...io.env, docker: settings.docker }, query: runner });
  const parts: RunParts = { plan, folders, env: io.env, settings, engine, runner, log, scripts: import.meta.dirname };
  const missing = await findMissing(parts);
  if (missing.length > 0) throw slipwayError('REPRODUCE_NOT_FETCHED', { version, missing });
  if (request.fetchOnly) {
    io.stdout(`Fetched into ${folders.root}. Without a network: npm run reproduce -- ${version} --offline\n`);
    return 0;
  }
  const finished = await runAll(parts);
  const store = request.offline ? undefined : opened.store;
  const outcomes = await compareOutcomes(finished, { folders, store, runner, log, signal });
  const packages = await changedPackages(outcomes, finished, folders);
  const report = { plan, outcomes, packages, slipwayVersion: io.slipwayVersion };
  const file = request.html === undefined ? folders.report : resolve(io.cwd, request.html);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, reproducePage(report));
  io.stdout(request.line.json ? `${JSON.stringify(report, undefined, 2)}\n` : reproduceText(report, file));
  const differing = differingIn(outcomes);
  if (differing.length > 0) throw slipwayError('REPRODUCTION_DIFFERS', { version, differing, report: file });
  return 0;
};

/** Without a network the newest version is the newest of those that were fetched. */
const newestFetched = async (cacheDir: string): Promise<string> => {
  const names: string[] = await readdir(join(cacheDir, 'reproduce')).catch(() => []);
  const versions = names.filter((name) => explainVersionNumber(name) === undefined);
  const found = await newestWith(
    versions,
    async (version) => (await readPlan(foldersOf(cacheDir, version))) !== undefined,
  );
  if (found !== undefined) return found;
  throw slipwayError('REPRODUCE_NOT_FETCHED', { version: LATEST, missing: ['nothing was fetched'] });
};

const findVersion = async ({ request, opened, loaded }: Job): Promise<string> => {
  if (request.version !== LATEST) return request.version;
  if (request.offline) return newestFetched(loaded.values.SLIPWAY_CACHE_DIR);
  const { store } = opened;
  const versions = (await store.list(PROVENANCE_FOLDER)).filter((name) => explainVersionNumber(name) === undefined);
  const isImage = (name: string): boolean => name.startsWith('image-') && name.endsWith('.intoto.json');
  const found = await newestWith(versions, async (version) =>
    (await store.list(`${PROVENANCE_FOLDER}/${version}`)).some(isImage),
  );
  if (found !== undefined) return found;
  const location = loaded.values.BUILDCACHE_SERVER === '' ? loaded.values.BUILDCACHE_DIR : store.location;
  throw slipwayError('REPRODUCE_NOTHING', { version: 'any version', what: 'image', location, known: [] });
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const request = parseReproduceRequest(io.argv);
    if (request.line.help || request.line.version) {
      io.stdout(request.line.help ? reproduceHelp() : `slipway ${io.slipwayVersion}\n`);
      return 0;
    }
    const loaded = await loadRequested(io, request);
    const log = tools.openLogFor(request.line.json, loaded);
    await prepareHost({
      group: 'nightly',
      env: { ...io.env, docker: loaded.values.docker || io.env.docker },
      log,
      noInstall: loaded.values.SLIPWAY_NO_INSTALL,
    });
    const reading = await readingSettings(loaded);
    const opened = await tools.openStore({ ...loaded.values, ...reading });
    const job: Job = { io, request, loaded, reading, opened, log };
    return await reproduce(job, await findVersion(job));
  });

if (import.meta.main) await runCommandAsScript('reproduce', main);
