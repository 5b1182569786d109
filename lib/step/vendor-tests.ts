import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import { createMask } from '../log/index.ts';
import type { Command, RunResult } from '../process/index.ts';
import {
  callWords,
  collectPublished,
  listSecrets,
  runVendorTests,
  type VendorCall,
  type VendorScripts,
} from '../vendor-tests/index.ts';
import type { StepContext } from './context.ts';
import type { StepSummary } from './definition.ts';
import { removeLeftovers } from './ownership.ts';
import { CLEANUP_FILE } from './sdk-command.ts';
import { type OwnTestJob, type OwnTestRequest, openJob, readIfThere } from './vendor-test-job.ts';

const commandOf = (
  { engine, root }: StepContext,
  job: OwnTestJob,
  { tapName, tests }: Omit<VendorCall, 'run'>,
): Command => {
  const { scripts, image, container, vendor, workFolder, arch, facts } = job;
  const words = { root, image, container, vendor, workFolder, arch, version: facts.version, tapName, tests };
  return [...engine.command, ...callWords(scripts, words)];
};

/** Any exit code: what the tests found is in the TAP file. */
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);

/** Exit codes of the engine itself: it failed, or could not run the command in the container. */
const ENGINE_FAILED = [125, 126, 127];

const engineFault = ({ exitCode, stderr }: RunResult): readonly string[] =>
  ENGINE_FAILED.includes(exitCode) ? stderr.split('\n').filter((line) => /^(docker|Error): /.test(line)) : [];

/** Runs a command, and removes its container at once when the step is interrupted: bash as the first process of a container ends by no signal. */
const runInContainer = async (context: StepContext, container: string, command: Command): Promise<RunResult> => {
  const { signal, rescueEngine, effects } = context;
  // What fails here is tried again, and said, at the end of the step.
  const stop = (): void => void rescueEngine.removeContainer(container).catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await effects.run(command, { okExitCodes: ANY_EXIT_CODE });
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** Runs a vendor script once. @returns its exit code; undefined when a signal ended it */
const callScript = async (context: StepContext, job: OwnTestJob, call: VendorCall): Promise<number | undefined> => {
  const { container, image, workFolder, vendor } = job;
  // A container of a killed attempt has the name, and may still be at work on the same files.
  await context.engine.removeContainer(container);
  let result: RunResult;
  try {
    result = await runInContainer(context, container, commandOf(context, job, call));
  } catch (error) {
    if (context.signal.aborted || !isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    return undefined;
  }
  const lines = engineFault(result);
  const wroteTap = existsSync(context.workspace.resolve(join(workFolder, vendor, call.tapName)));
  if (lines.length === 0 || wroteTap) return result.exitCode;
  throw slipwayError('TEST_CONTAINER_FAILED', { image, container, lines });
};

/** The version tag, as the tree's own automation writes it: all tags of the commit, or what `git describe` says. */
const describeCheckout = async ({ git }: StepContext): Promise<string> => {
  const tags = await git.tagsAt();
  if (tags.length > 0) return tags.join('\n');
  try {
    return await git.describe();
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_FAILED')) return git.head();
    throw error;
  }
};

const planOnly = (context: StepContext, job: OwnTestJob): undefined => {
  const { log, settings } = context;
  const say = (effect: string): void => log.emit({ kind: 'planned', effect });
  void context.effects.run(commandOf(context, job, { tapName: 'results-run-1.tap', tests: job.tests }));
  say(`repeat what failed, ${settings.MAX_RETRIES} runs in all, and write results-${job.vendor}.{tap,md,xml}`);
  if (!settings.SKIP_COPY_TO_BINCACHE) say(`publish to ${folderOf(job)} on ${context.cache.store.location}`);
  return undefined;
};

const folderOf = ({ facts, arch, vendor }: OwnTestJob): string => `testing/${facts.version}/${arch}/${vendor}`;

/** As they are: neither digests nor signatures, which nobody expects there. */
const publish = async (context: StepContext, job: OwnTestJob, mask: (text: string) => string): Promise<void> => {
  if (context.settings.SKIP_COPY_TO_BINCACHE) return;
  const { root, temp, cache, log, workspace } = context;
  const vendorFolder = workspace.resolve(join(job.workFolder, job.vendor));
  const files = { root, vendorFolder, vendor: job.vendor, folder: folderOf(job), mask, temp };
  const { uploads, records, skipped } = await collectPublished(files);
  for (const one of skipped) log.warn(`Not published: ${one}`);
  log.info(`${uploads.length} files go to ${folderOf(job)} on ${cache.store.location}`);
  if (uploads.length > 0) await cache.store.publish(uploads);
  context.outputs.push(...records);
};

/** Files by which the vendor scripts learn what they test. */
const writeFacts = async (
  context: StepContext,
  { workFolder, vendor, facts, container }: OwnTestJob,
): Promise<void> => {
  const { workspace } = context;
  await workspace.makeFolder(join(workFolder, vendor));
  await workspace.write(join(workFolder, 'git_version'), `${await describeCheckout(context)}\n`);
  await workspace.write(join(workFolder, 'git_channel'), `${facts.group}\n`);
  await workspace.append(CLEANUP_FILE, `docker rm -f '${container}'\n`);
  if (existsSync(workspace.resolve('results.sqlite3'))) {
    context.log.info("results.sqlite3 is of the tree's own automation; what it holds is not in these reports.");
  }
};

/**
 * Runs the tests that the tree brings along, and publishes what they leave; see lib/vendor-tests.
 *
 * @throws VENDOR_UNKNOWN, TEST_FOLDER_INVALID, TEST_RUNS_INVALID, TEST_IMAGE_UNKNOWN, TEST_CONTAINER_FAILED, VENDOR_TESTS_FAILED, errors of
 *   the version file, the engine and the cache
 */
export const runOwnTests = async (
  context: StepContext,
  scripts: VendorScripts,
  request: OwnTestRequest,
): Promise<StepSummary | undefined> => {
  const { settings, log, root, workspace, now } = context;
  const job = await openJob(context, scripts, request);
  const { arch, vendor, tests, facts, workFolder, container } = job;
  const secrets = listSecrets(
    (await readIfThere(workspace.resolve(scripts.variablesFile))) ?? '',
    scripts.publicVariables,
  );
  log.hide(secrets);
  if (context.plan) return planOnly(context, job);
  const mask = createMask(secrets);
  context.onInterrupt.add(`container ${container}`, () => context.rescueEngine.removeContainer(container));
  await writeFacts(context, job);
  const outcome = await runVendorTests({
    ...{ root, workFolder, vendor, arch, tests, mask, log, now },
    version: facts.version,
    maxRuns: settings.MAX_RETRIES,
    variablesFile: scripts.variablesFile,
    call: (call) => callScript(context, job, call),
    remove: (path) => removeLeftovers(context, path),
  }).catch(async (error: unknown) => {
    if (isSlipwayError(error, 'TEST_CONTAINER_FAILED')) await publish(context, job, mask);
    throw error;
  });
  const { ok, runs, passed, failed, flaky, problems } = outcome;
  log.info(`${passed.length} passed, ${failed.length} failed in ${runs} run(s)`);
  await log.phase('publish the results', () => publish(context, job, mask));
  if (ok) return { version: facts.version, passed, flaky, runs };
  const report = `results-${vendor}.tap`;
  throw slipwayError('VENDOR_TESTS_FAILED', { vendor, failed, passed: passed.length, runs, problems, report });
};
