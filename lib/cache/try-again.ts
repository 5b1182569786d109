import { setTimeout as sleep } from 'node:timers/promises';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { TransientError } from './failures.ts';

/** How patient to be with a server. */
export interface Patience {
  /** How many tries in a row may fail without getting anything done. */
  readonly tries: number;
  /** Milliseconds before the second try; doubles each time. */
  readonly firstDelayMs: number;
  /** Milliseconds without a single byte after which a connection counts as dead. */
  readonly idleMs: number;
}

/** Six tries over about 16 seconds: a server that restarts is waited for, one that is gone is named soon. */
export const PATIENCE: Patience = { tries: 6, firstDelayMs: 500, idleMs: 30_000 };

/** However much progress each try makes, there is an end. */
const MOST_TRIES = 60;

/** Whom the tries are for. */
export interface TryOptions {
  readonly host: string;
  /** Completes "could not be reached to ...". */
  readonly doing: string;
  readonly patience: Patience;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Work is still tried, once, after an interruption: for freeing what must be freed. Default false. */
  readonly evenWhenAborted?: boolean;
}

/**
 * Calls `work` again, after growing waits, as long as it throws {@link TransientError}.
 *
 * Throws `CACHE_UNREACHABLE` with the number of tries when patience ends, and other errors as they are.
 */
export const tryAgain = async <T>(work: () => Promise<T>, options: TryOptions): Promise<T> => {
  const { host, doing, patience, log, signal, evenWhenAborted = false } = options;
  let failedInRow = 0;
  for (let tries = 1; ; tries += 1) {
    if (!evenWhenAborted || tries > 1) signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted && error instanceof TransientError) throw signal.reason;
      if (!(error instanceof TransientError)) throw error;
      failedInRow = error.hasProgressed ? 1 : failedInRow + 1;
      if (failedInRow >= patience.tries || tries >= MOST_TRIES) {
        throw slipwayError('CACHE_UNREACHABLE', { host, tries, doing, problem: error.message }, error.cause ?? error);
      }
      const delayMs = patience.firstDelayMs * 2 ** (failedInRow - 1);
      const what = `${host}, ${doing}`;
      log.emit({ kind: 'retry', what, attempt: tries, tries: patience.tries, delayMs, reason: error.message });
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
  }
};
