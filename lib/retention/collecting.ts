import type { CacheStore } from '../cache/index.ts';
import { SlipwayError } from '../errors/index.ts';
import type { Git, TagReader } from '../git/index.ts';
import type { Log } from '../log/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { type Lister, rememberLists } from './artifacts.ts';
import type { RetentionProfile } from './profile.ts';
import type { Collector, GarbageRequest } from './request.ts';

/** How to collect at cloud vendors. */
export interface CloudTools {
  /** How to call the container engine. */
  readonly engine: Command;
  /** The environment in which it is called. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs it; only reports with `--plan`. */
  readonly effects: Runner;
  /** Absolute path of the checkout. */
  readonly root: string;
}

/** What the collectors work with. With `--plan` the parts that change something only say so. */
export interface GarbageTools {
  readonly profile: RetentionProfile;
  /** Where the version is, from the root of the tree, and what its variables begin with. */
  readonly versionFile: { readonly path: string; readonly prefix: string };
  readonly store: CacheStore;
  readonly git: Pick<Git, 'deleteRef' | 'deleteRemoteTag'>;
  readonly tags: TagReader;
  readonly cloud: CloudTools;
  /** URL of the list of releases; empty: the tree's own. */
  readonly feed: string;
  /** Percent of a folder that may go as orphans at once. */
  readonly maxSharePercent: number;
  /** Whether somebody has seen the doubts about orphans and wants them deleted all the same. */
  readonly yesReally: boolean;
  readonly now: Date;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What a collector did; with `--plan`: would do. */
export interface Collected {
  /** Cache paths that were deleted. */
  readonly deleted: string[];
  /** Tags that were deleted. */
  readonly tags: string[];
  /** What went wrong with single parts while the others were done. */
  readonly failures: unknown[];
}

/** All that a collector needs; what it did is written down as it goes. */
export interface Collecting extends GarbageTools {
  readonly request: GarbageRequest;
  readonly collected: Record<Collector, Collected>;
}

/** An empty account. */
export const nothingCollected = (): Collected => ({ deleted: [], tags: [], failures: [] });

/** Lists the cache, each folder once. */
export const listerOf = ({ store }: Pick<GarbageTools, 'store'>): Lister =>
  rememberLists({
    list: (folder) => store.list(folder),
    listFolders: (folder) => store.list(folder, { onlyFolders: true }),
  });

/** One line on what went wrong. */
export const failureText = (error: unknown): string =>
  error instanceof SlipwayError ? `${error.code}: ${error.message}` : String(error);

/** Whether an error says that the cache server is not to be worked with at all: what comes next would only wait for it again. */
export const isCacheGone = (error: unknown): boolean =>
  error instanceof SlipwayError &&
  ['CACHE_UNREACHABLE', 'CACHE_HOST_KEY', 'CACHE_LOGIN', 'CACHE_SERVER_UNSUITABLE', 'CACHE_SETTING_INVALID'].includes(
    error.code,
  );

/**
 * Does one part of a collector's work. A failure is said and kept for the end, so that it does not stop the other parts; an interruption, and a
 * cache that is gone, do.
 *
 * @returns whether it was done
 */
export const attempt = async (
  { log, signal }: Pick<GarbageTools, 'log' | 'signal'>,
  collected: Collected,
  work: () => Promise<void>,
): Promise<boolean> => {
  signal.throwIfAborted();
  try {
    await work();
    return true;
  } catch (error) {
    if (signal.aborted || isCacheGone(error) || !(error instanceof SlipwayError)) throw error;
    log.warn(failureText(error));
    collected.failures.push(error);
    return false;
  }
};

/** Deletes paths of the cache one after the other. @returns whether all are gone */
export const removePaths = async (
  tools: Pick<GarbageTools, 'log' | 'signal' | 'store'>,
  collected: Collected,
  paths: readonly string[],
): Promise<boolean> => {
  let areAllGone = true;
  for (const path of paths) {
    const isGone = await attempt(tools, collected, async () => {
      await tools.store.remove(path);
      collected.deleted.push(path);
    });
    areAllGone &&= isGone;
  }
  return areAllGone;
};
