import { setTimeout as sleep } from 'node:timers/promises';

/** When and how often to try again. */
export interface RetryOptions {
  /** How many times in all, at least 1. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubles each time. */
  readonly firstDelayMs: number;
  /** Whether this error may go away by itself. */
  readonly isTransient: (error: unknown) => boolean;
  /** Called before each wait, for the log. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Calls `work` until it succeeds, fails for good, or the attempts are used up; then throws the last error, without a wait.
 *
 * @param work gets the number of the attempt, from 1
 */
export const retry = async <T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> => {
  for (let attempt = 1; attempt < options.attempts; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      if (options.signal?.aborted || !options.isTransient(error)) throw error;
      const delayMs = options.firstDelayMs * 2 ** (attempt - 1);
      options.onRetry?.(error, attempt, delayMs);
      await sleep(delayMs, undefined, { signal: options.signal });
    }
  }
  return work(options.attempts);
};
