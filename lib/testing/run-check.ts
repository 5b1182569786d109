import { SlipwayError } from '../errors/index.ts';
import { formatDuration } from '../log/index.ts';
import { CheckFailure } from './failure.ts';
import type { Check, CheckContext, TestResult } from './types.ts';

const TIMEOUT_MS = 120_000;

/** What every result of one run has in common. */
export interface RunFacts {
  readonly run: number;
  readonly platform: string;
}

/** Text of a failure, whatever was thrown. */
export const describeFailure = (error: unknown): Pick<TestResult, 'message' | 'details'> => {
  if (error instanceof CheckFailure) return { message: error.message, details: error.details };
  if (error instanceof SlipwayError) {
    return { message: `${error.code}: ${error.message}`, details: error.hint?.split('\n') ?? [] };
  }
  if (error instanceof Error)
    return { message: `the check itself is broken: ${error.message}`, details: (error.stack ?? '').split('\n') };
  return { message: `the check itself is broken: it threw ${String(error)}`, details: [] };
};

/** `work`, unless it takes too long; work that is late goes on, but nobody waits for it. */
const limit = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new CheckFailure(`not finished within ${formatDuration(timeoutMs)}`)),
    timeoutMs,
  );
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
};

/**
 * Runs one check; whatever it throws becomes a result.
 *
 * @throws the reason of the signal, when it is aborted
 */
export const runCheck = async (check: Check, context: CheckContext, facts: RunFacts): Promise<TestResult> => {
  const startedMs = context.now();
  const finish = (result: Pick<TestResult, 'outcome' | 'message' | 'details'>): TestResult => ({
    name: check.name,
    run: facts.run,
    platform: facts.platform,
    durationMs: context.now() - startedMs,
    ...result,
  });
  try {
    const answer = await limit(Promise.resolve(check.run(context)), check.timeoutMs ?? TIMEOUT_MS);
    if (answer && 'skip' in answer) return finish({ outcome: 'skipped', message: answer.skip });
    return finish({ outcome: 'passed', message: answer?.note });
  } catch (error) {
    context.signal.throwIfAborted();
    return finish({ outcome: 'failed', ...describeFailure(error) });
  }
};
