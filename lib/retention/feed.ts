import { readFile } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import { retry } from '../process/index.ts';

/** How to read a list of releases. */
export interface FeedOptions {
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Milliseconds before the second try; default 1000. */
  readonly firstDelayMs?: number;
}

const ATTEMPTS = 4;
const TIMEOUT_MS = 60_000;

/** Trouble that may go away by itself. */
class FeedTrouble extends Error {}

const isTransientStatus = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

/** One line on why a request failed; fetch hides the reason one level down. */
const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  return inner instanceof Error ? `${message} (${inner.message || (inner as NodeJS.ErrnoException).code})` : message;
};

const fetchOnce = async (url: URL, signal: AbortSignal | undefined): Promise<string> => {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    if (response.ok) return await response.text();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new FeedTrouble(reasonOf(error), { cause: error });
  }
  await response.body?.cancel();
  const problem = `the server answered with status ${response.status}`;
  if (isTransientStatus(response.status)) throw new FeedTrouble(problem);
  throw slipwayError('RELEASE_FEED_UNUSABLE', { feed: url.href, reason: problem });
};

/**
 * Reads the text of a list of releases. A URL may name a file, as `curl` takes it.
 *
 * @param feed `https:`, `http:` or `file:`
 * @throws RELEASE_FEED_UNUSABLE when it cannot be had, with the reason
 */
export const readFeed = async (feed: string, { log, signal, firstDelayMs = 1000 }: FeedOptions): Promise<string> => {
  const fail = (reason: string, cause?: unknown): Error =>
    slipwayError('RELEASE_FEED_UNUSABLE', { feed, reason }, cause);
  const url = URL.parse(feed);
  if (url === null || !['https:', 'http:', 'file:'].includes(url.protocol)) throw fail('it is not a URL');
  try {
    if (url.protocol === 'file:') return await readFile(url, 'utf8');
    return await retry(() => fetchOnce(url, signal), {
      attempts: ATTEMPTS,
      firstDelayMs,
      signal,
      isTransient: (error) => error instanceof FeedTrouble,
      onRetry: (error, attempt, delayMs) => {
        const reason = (error as Error).message;
        log.emit({ kind: 'retry', what: url.host, attempt, tries: ATTEMPTS, delayMs, reason });
      },
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof FeedTrouble || url.protocol === 'file:') throw fail(code ?? (error as Error).message, error);
    throw error;
  }
};
