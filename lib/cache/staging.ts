import { slipwayError } from '../errors/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import { type CacheFs, type FsEntry, removeTree } from './cache-fs.ts';
import { commonFolder, foldersAbove, STAGING } from './paths.ts';
import { type LockTimes, takePublishLock } from './publish-lock.ts';
import type { CachePath, PublishedFiles, PublishOptions } from './types.ts';

/** A file whose bytes are complete in the staging folder. */
export interface StagedFile {
  /** Name in the staging folder. */
  readonly key: string;
  readonly path: CachePath;
  readonly sizeBytes: number;
  /** It is a symbolic link. Links carry their publisher's name in the staging folder, so nobody else puts them into place. */
  readonly linkTarget?: string;
}

/** How long what a broken transfer left may be resumed. */
const LEFTOVER_LIFE_MS = 24 * 60 * 60 * 1000;

/** How to put a set into place. */
export interface PlaceOptions extends Pick<PublishOptions, 'lockFolder' | 'beforePlacing'> {
  readonly times?: LockTimes;
  readonly signal?: AbortSignal;
}

/** `beforePlacing` said that nothing is to be placed: what was staged is of no use any more. */
export class NotPlacedError extends Error {}

/** What is published, by way of the file system. */
const publishedFiles = (fs: CacheFs): PublishedFiles => ({
  size: async (path) => {
    const entry = await fs.stat(path);
    return entry?.kind === 'file' ? entry.sizeBytes : undefined;
  },
  readText: (path) => fs.readText(path),
  removeFile: (path) => fs.removeFile(path),
});

/**
 * Renames a set into place, in order, under a lock.
 *
 * A staged file that is gone was put into place by another publisher of the same content: fine when the right size is there.
 *
 * @returns the files whose bytes have to be staged again; empty when all is done
 * Throws {@link NotPlacedError} when nothing was renamed because `beforePlacing` was against it.
 */
export const placeSet = async (
  fs: CacheFs,
  files: readonly StagedFile[],
  location: string,
  options: PlaceOptions = {},
): Promise<readonly StagedFile[]> => {
  const paths = files.map((file) => file.path);
  const makeFolders = async (): Promise<void> => {
    for (const folder of foldersAbove(paths)) await fs.makeFolder(folder);
  };
  const place = async ({ key, path, sizeBytes, linkTarget }: StagedFile): Promise<boolean> => {
    const staged = `${STAGING}/${key}`;
    if (await fs.rename(staged, path)) return true;
    if ((await fs.lstat(path))?.kind === 'folder') {
      throw slipwayError('CACHE_WRITE_FAILED', { location, path, doing: 'publish', reason: 'it is a folder' });
    }
    if (!(await fs.lstat(staged))) return linkTarget === undefined && (await fs.lstat(path))?.sizeBytes === sizeBytes;
    // Somebody removed the folder after it was made.
    await makeFolders();
    return fs.rename(staged, path);
  };

  await makeFolders();
  const lock = await takePublishLock(fs, options.lockFolder ?? commonFolder(paths), location, options);
  try {
    if ((await options.beforePlacing?.(publishedFiles(fs))) === false) throw new NotPlacedError();
    for (const [at, file] of files.entries()) {
      options.signal?.throwIfAborted();
      lock.check();
      // What comes later in the set must not appear before what comes earlier.
      if (!(await place(file))) return files.slice(at);
    }
    return [];
  } finally {
    await lock.release();
  }
};

/** The time by the clock of the store's machine, which stamps its files. */
const readClock = async (fs: CacheFs): Promise<number> => {
  const folder = `${STAGING}/clock-${makeOwnName()}`;
  await fs.makeFolder(folder);
  const nowMs = (await fs.stat(folder))?.modifiedMs;
  await fs.removeFolder(folder);
  return nowMs ?? 0;
};

/** Frees the locks of processes on this machine that have ended. */
const sweepLocks = async (fs: CacheFs, locks: readonly FsEntry[]): Promise<void> => {
  for (const { name } of locks) {
    const lock = `${STAGING}/${name}`;
    for (const owner of (await fs.list(lock)) ?? []) {
      if (isOwnerDead(owner.name)) await fs.removeFile(`${lock}/${owner.name}`);
    }
    await fs.removeFolder(lock);
  }
};

const isLock = ({ name }: FsEntry): boolean => name.startsWith('lock-');

const ownerOf = (name: string): string => name.replace(/^(tmp|claim|clock|gone)-/, '');

/**
 * Deletes what dead publishers left in the staging folder: files of processes that have certainly ended, and everything that
 * is older than a day.
 */
export const sweepStaging = async (fs: CacheFs): Promise<void> => {
  const all = (await fs.list(STAGING)) ?? [];
  await sweepLocks(fs, all.filter(isLock));
  const entries = all.filter((entry) => entry.name !== 'partial' && !isLock(entry));
  const partials = (await fs.list(`${STAGING}/partial`)) ?? [];
  if (entries.length + partials.length === 0) return;
  const diesMs = (await readClock(fs)) - LEFTOVER_LIFE_MS;
  for (const entry of entries) {
    if (entry.touchedMs < diesMs || isOwnerDead(ownerOf(entry.name)))
      await removeTree(fs, `${STAGING}/${entry.name}`, entry.kind);
  }
  for (const entry of partials) {
    if (entry.touchedMs < diesMs) await removeTree(fs, `${STAGING}/partial/${entry.name}`, entry.kind);
  }
};

/**
 * Deletes a file or folder with all that is in it, in such a way that readers see all of it or nothing: it is moved aside
 * first.
 */
export const removeFromCache = async (fs: CacheFs, path: CachePath): Promise<void> => {
  // A link goes, and what it leads to stays.
  const entry = await fs.lstat(path);
  if (!entry) return;
  await fs.makeFolder(STAGING);
  const aside = `${STAGING}/gone-${makeOwnName()}`;
  if (await fs.rename(path, aside)) await removeTree(fs, aside, entry.kind);
};
