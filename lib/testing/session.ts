import { isSlipwayError, type SlipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { Machine } from '../qemu/index.ts';
import { describeFailure, type RunFacts, runCheck } from './run-check.ts';
import type { Check, CheckContext, TestResult } from './types.ts';

/** What a session of checks on one machine needs. */
export interface SessionOptions extends RunFacts, Omit<CheckContext, 'machine'> {
  /** Powers the machine on. */
  readonly start: () => Promise<Machine>;
}

/** Failures of the image; any other one (QEMU is missing, no firmware) is not worth another run. */
const IMAGE_FAILURES = ['VM_BOOT_TIMEOUT', 'VM_PANIC', 'VM_EXITED', 'VM_SSH_UNREACHABLE', 'COMMAND_TIMED_OUT'] as const;

const isImageFailure = (error: unknown): error is SlipwayError =>
  IMAGE_FAILURES.some((code) => isSlipwayError(error, code));

const report = (log: Log, { name, outcome, message, durationMs }: TestResult): void => {
  const word = { passed: 'ok', failed: 'not ok', skipped: 'skipped' }[outcome];
  const text = `${word} ${name} (${(durationMs / 1000).toFixed(1)} s)${message ? `: ${message}` : ''}`;
  if (outcome === 'failed') log.warn(text);
  else log.info(text);
};

const failAll = (checks: readonly Check[], facts: RunFacts, error: unknown, durationMs: number): TestResult[] =>
  checks.map(({ name }) => ({
    name,
    run: facts.run,
    platform: facts.platform,
    outcome: 'failed',
    durationMs,
    ...describeFailure(error),
  }));

/** Runs `work`; a failure of the image is returned, everything else is thrown. */
const catchImageFailure = async (signal: AbortSignal, work: () => Promise<void>): Promise<SlipwayError | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isImageFailure(error)) return error;
    throw error;
  }
};

/** Runs checks until one of them loses the machine. @returns results, fewer than checks when that happened */
const runUntilLost = async (
  checks: readonly Check[],
  context: CheckContext,
  options: SessionOptions,
): Promise<TestResult[]> => {
  const results: TestResult[] = [];
  for (const check of checks) {
    const result = await runCheck(check, context, options);
    report(options.log, result);
    results.push(result);
    if (context.machine.lost()) break;
  }
  return results;
};

const runAll = async (checks: readonly Check[], machine: Machine, options: SessionOptions): Promise<TestResult[]> => {
  const { start: _start, run: _run, platform: _platform, ...rest } = options;
  const context: CheckContext = { ...rest, machine };
  const startedMs = options.now();
  const failRest = (failed: readonly Check[], error: unknown): TestResult[] => {
    const results = failAll(failed, options, error, options.now() - startedMs);
    for (const result of results) report(options.log, result);
    return results;
  };
  const noPrompt = await catchImageFailure(options.signal, () => machine.awaitLogin());
  if (noPrompt) return failRest(checks, noPrompt);
  const atConsole = checks.filter((one) => one.console);
  const results = await runUntilLost(atConsole, context, options);
  const others = checks.filter((one) => !one.console);
  const lost = machine.lost();
  if (lost && results.length === 0) return failRest(checks, lost);
  if (lost || others.length === 0) return results;
  const noLogin = await catchImageFailure(options.signal, () => machine.connect());
  return [...results, ...(noLogin ? failRest(others, noLogin) : await runUntilLost(others, context, options))];
};

/**
 * Boots one machine, runs the checks on it one after the other, and ends it, whatever happens. When the machine does not come
 * up, every check that needed it has failed for that reason. When it is lost under a check, that check has failed and the rest
 * has no result: they deserve another machine.
 *
 * @param checks in the order in which they run
 * @throws errors that are not the image's fault: QEMU_MISSING, FIRMWARE_MISSING, the reason of the aborted signal
 */
export const runSession = async (checks: readonly Check[], options: SessionOptions): Promise<TestResult[]> => {
  const startedMs = options.now();
  let machine: Machine | undefined;
  const noStart = await catchImageFailure(options.signal, async () => {
    machine = await options.start();
  });
  if (!machine) return failAll(checks, options, noStart, options.now() - startedMs);
  try {
    return await runAll(checks, machine, options);
  } finally {
    await machine.stop();
  }
};
