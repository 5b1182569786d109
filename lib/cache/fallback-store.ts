import { isSlipwayError, type SlipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { CacheStore } from './types.ts';

/** What a store with a fallback is made from. */
export interface FallbackStoreOptions {
  /** The cache; it alone is written to. */
  readonly store: CacheStore;
  /** A copy that is read where the cache lacks something or does not answer. */
  readonly mirror: CacheStore;
  readonly log: Log;
  /** Milliseconds since any time; default: a clock that nobody sets. */
  readonly now?: () => number;
}

/** A cache that did not answer after all its tries is not asked again for so long: every question would wait as long. */
const SILENCE_MS = 60_000;

const isSilence = (error: unknown): error is SlipwayError =>
  isSlipwayError(error, 'CACHE_UNREACHABLE') || isSlipwayError(error, 'CACHE_BAD_RESPONSE');

const isMissing = (error: unknown): error is SlipwayError => isSlipwayError(error, 'CACHE_ARTIFACT_MISSING');

/**
 * The cache for those who only use what is in it: what it does not have, or cannot be asked for, is read from a mirror. Nothing that does not
 * verify is made good by it, because that would hide who changed it. Never for deciding what may be published: there the cache's own word counts.
 *
 * Throws what the cache throws; a mirror that lacks the file too, or does not answer, changes nothing about that.
 */
export const createFallbackStore = (options: FallbackStoreOptions): CacheStore => {
  const { store, mirror, log, now = () => performance.now() } = options;
  let silence: { readonly error: SlipwayError; readonly untilMs: number } | undefined;

  const askStore = async <T>(ask: (from: CacheStore) => Promise<T>): Promise<T> => {
    if (silence && now() < silence.untilMs) throw silence.error;
    try {
      return await ask(store);
    } catch (error) {
      if (isSilence(error)) {
        log.warn(`${error.message} Reading from the mirror ${mirror.location}.`);
        silence = { error, untilMs: now() + SILENCE_MS };
      }
      throw error;
    }
  };

  /** What the mirror answers, or nothing if it has none. */
  const askMirror = async <T>(ask: (from: CacheStore) => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask(mirror);
    } catch (error) {
      if (isSilence(error)) log.warn(error.message);
      else if (!isMissing(error)) throw error;
      return undefined;
    }
  };

  /** A question that has `undefined` for an answer. */
  const orMirror = async <T>(ask: (from: CacheStore) => Promise<T | undefined>): Promise<T | undefined> => {
    let failure: SlipwayError | undefined;
    try {
      const answer = await askStore(ask);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!isSilence(error)) throw error;
      failure = error;
    }
    const answer = await askMirror(ask);
    if (answer === undefined && failure) throw failure;
    return answer;
  };

  /** A question that throws for what is not there. */
  const elseMirror = async <T extends Buffer | null>(ask: (from: CacheStore) => Promise<T>): Promise<T> => {
    try {
      return await askStore(ask);
    } catch (error) {
      if (!isSilence(error) && !isMissing(error)) throw error;
      const answer = await askMirror(ask);
      if (answer === undefined) throw error;
      return answer;
    }
  };

  return {
    ...store,
    location: `${store.location} (mirror ${mirror.location})`,
    size: (path) => orMirror((from) => from.size(path)),
    list: async (folder, listing) => {
      const names = await orMirror(async (from) => {
        const found = await from.list(folder, listing);
        return found.length > 0 ? found : undefined;
      });
      return names ?? [];
    },
    readText: (path) => orMirror((from) => from.readText(path)),
    readBytes: (path, maxBytes) => orMirror((from) => from.readBytes(path, maxBytes)),
    readRange: (path, offset, length) => elseMirror((from) => from.readRange(path, offset, length)),
    rangedSize: (path) => orMirror(async (from) => from.rangedSize?.(path)),
    download: async (path, toFile, transfer) => {
      await elseMirror(async (from) => {
        await from.download(path, toFile, transfer);
        return null;
      });
    },
    close: async () => {
      await Promise.all([store.close(), mirror.close()]);
    },
  };
};
