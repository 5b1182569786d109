import path from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { Runner } from '../process/index.ts';
import {
  type Arch,
  type BootProfile,
  chooseAccelerator,
  type Machine,
  type Media,
  startMachine,
} from '../qemu/index.ts';
import type { Expectations } from './expectations.ts';
import { loadChecks } from './load-checks.ts';
import { selectChecks } from './patterns.ts';
import { namesOf, type TestCase, toCases } from './results.ts';
import { prepareWorkFolder, type ResultFiles, writeReports, writeRun } from './run-files.ts';
import { runSession } from './session.ts';
import type { Check, CheckMachine, TestResult } from './types.ts';

/** What to test and how. Paths are absolute. */
export interface ImageTestOptions {
  readonly media: Media;
  /** The image's format, for example `qemu_uefi`; checks may apply to some formats only. */
  readonly format: string;
  readonly arch: Arch;
  readonly version: string;
  readonly profile: BootProfile;
  readonly expected: Expectations;
  /** The published kernel, if it was fetched. */
  readonly kernelFile?: string;
  /** Name patterns; none = all checks. */
  readonly patterns: readonly string[];
  /** Runs in all, at least 1: the first one, and one for each time that something failed. */
  readonly maxRetries: number;
  /** Gets the reports and console logs. */
  readonly workFolder: string;
  /** Keeps what is known about the host, see {@link chooseAccelerator}. */
  readonly stateFolder: string;
  /** Where checks are; default: Slipway's own. */
  readonly checkFolders?: readonly string[];
  readonly runner: Runner;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970; replaced in tests. */
  readonly now?: () => number;
}

/** What came out. */
export interface ImageTestOutcome {
  /** Names of the checks that passed in some run. */
  readonly passed: readonly string[];
  /** Names of the checks that failed in every run. */
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  /** Names of the checks that passed only after they had failed. */
  readonly flaky: readonly string[];
  /** How many runs were made. */
  readonly attempts: number;
  readonly cases: readonly TestCase[];
  readonly files: ResultFiles;
}

const ORDER: Readonly<Record<CheckMachine, number>> = { shared: 0, restarts: 1, ends: 2, own: 3 };
const machineOf = (check: Check): CheckMachine => check.machine ?? 'shared';

/** Groups of checks that share a boot, each in the order in which it runs. */
export const assembleSessions = (checks: readonly Check[]): Check[][] => {
  const ordered = [...checks].sort((a, b) => ORDER[machineOf(a)] - ORDER[machineOf(b)]);
  const together = ordered.filter((check) => machineOf(check) !== 'own');
  const alone = ordered.filter((check) => machineOf(check) === 'own').map((check) => [check]);
  return together.length > 0 ? [together, ...alone] : alone;
};

/**
 * The checks that a test run would do, in the order of their names.
 *
 * @throws CHECK_UNKNOWN, CHECK_MODULE_INVALID
 */
export const planChecks = async (
  options: Pick<ImageTestOptions, 'patterns' | 'format' | 'checkFolders'>,
): Promise<Check[]> => selectChecks(await loadChecks(options.checkFolders), options.patterns, options.format);

interface Run {
  readonly results: readonly TestResult[];
  /** Console logs of machines with failed checks. */
  readonly consoles: readonly string[];
}

type Start = (run: number, session: number) => { consoleFile: string; start: () => Promise<Machine> };

/** The console log is kept beside the reports; whoever reads of a failure should find it. */
const withConsole = (result: TestResult, consoleFile: string): TestResult =>
  result.outcome === 'failed'
    ? { ...result, details: [...(result.details ?? []), `Serial console: ${path.basename(consoleFile)}`] }
    : result;

const runOnce = async (
  checks: readonly Check[],
  run: number,
  startOf: Start,
  options: ImageTestOptions,
): Promise<Run> => {
  const { format: platform, expected, version, kernelFile, log, signal, now = Date.now } = options;
  const results: TestResult[] = [];
  const consoles: string[] = [];
  const waiting = assembleSessions(checks);
  for (let session = waiting.shift(), at = 1; session; session = waiting.shift(), at += 1) {
    const { consoleFile, start } = startOf(run, at);
    const found = await runSession(session, { run, platform, expected, version, kernelFile, log, signal, now, start });
    const named = new Set(found.map(({ name }) => name));
    const rest = session.filter(({ name }) => !named.has(name));
    // A check that brought its machine down must not decide about the others.
    if (rest.length > 0) waiting.unshift(rest);
    if (found.some(({ outcome }) => outcome === 'failed')) consoles.push(consoleFile);
    results.push(...found.map((result) => withConsole(result, consoleFile)));
  }
  return { results, consoles };
};

const createStart = async (options: ImageTestOptions): Promise<Start> => {
  const { arch, media, profile, workFolder, stateFolder, runner, log, signal, now } = options;
  const accelerator = await chooseAccelerator({ arch, firmware: profile.firmware, runner, stateFolder });
  return (run, session) => {
    const consoleFile = path.join(workFolder, `console-run-${run}-${session}.log`);
    const folder = path.join(workFolder, `machine-${run}-${session}`);
    const machine = { arch, media, profile, accelerator, folder, consoleFile, runner, log, signal, now };
    return { consoleFile, start: () => startMachine(machine) };
  };
};

/**
 * Boots an image and runs named checks on it. Checks that failed, and only those, are run again on a fresh boot, until they
 * pass or `maxRetries` runs are made. A failed check is a result, not an error; errors are what kept the tests from running.
 *
 * @throws CHECK_UNKNOWN, CHECK_RUNS_INVALID, CHECK_MODULE_INVALID, QEMU_MISSING, FIRMWARE_MISSING, VM_IMAGE_MISSING,
 *   VM_CONTROL_FAILED, the reason of the aborted signal
 */
export const runImageTests = async (options: ImageTestOptions): Promise<ImageTestOutcome> => {
  const { maxRetries, workFolder, log, now = Date.now } = options;
  if (!Number.isInteger(maxRetries) || maxRetries < 1) throw slipwayError('CHECK_RUNS_INVALID', { maxRetries });
  const checks = await planChecks(options);
  await prepareWorkFolder(workFolder);
  const facts = { version: options.version, arch: options.arch, startedAt: new Date(now()) };
  const startOf = await createStart(options);
  const results: TestResult[] = [];
  const runs: string[] = [];
  const consoles: string[] = [];
  let left = checks;
  while (left.length > 0 && runs.length < maxRetries) {
    const run = runs.length + 1;
    const title = `run ${run} of at most ${maxRetries}: ${left.length} checks of ${options.format}`;
    const done = await log.phase(title, () => runOnce(left, run, startOf, options));
    results.push(...done.results);
    consoles.push(...done.consoles);
    runs.push(await writeRun(workFolder, run, done.results, facts));
    const failed = new Set(done.results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name));
    left = left.filter(({ name }) => failed.has(name));
  }
  const cases = toCases(results);
  return {
    passed: namesOf(cases, 'passed'),
    failed: namesOf(cases, 'failed'),
    skipped: namesOf(cases, 'skipped'),
    flaky: cases.filter(({ flaky }) => flaky).map(({ name }) => name),
    attempts: runs.length,
    cases,
    files: { ...(await writeReports(workFolder, results, facts)), runs, consoles },
  };
};
