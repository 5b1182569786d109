import { slipwayError } from '../errors/index.ts';
import type { CacheFs } from './cache-fs.ts';
import { foldersAbove, STAGING, validateFolder, validatePath } from './paths.ts';
import type { CachePath, StoreEntry } from './types.ts';

/** `CacheStore.entries` on a file system. */
export const listEntries = async (fs: CacheFs, folder: CachePath): Promise<readonly StoreEntry[]> => {
  const entries = (await fs.list(validateFolder(folder))) ?? [];
  return entries
    .filter(({ name }) => folder !== '' || name !== STAGING)
    .map(({ name, kind, sizeBytes, modifiedMs }) => ({ name, kind, sizeBytes, modifiedMs }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
};

/**
 * `CacheStore.rename` on a file system.
 *
 * Throws `CACHE_PATH_INVALID`, `CACHE_WRITE_FAILED`.
 */
export const renameInCache = async (
  fs: CacheFs,
  location: string,
  from: CachePath,
  to: CachePath,
): Promise<boolean> => {
  validatePath(from);
  validatePath(to);
  if (await fs.rename(from, to)) return true;
  if (await fs.lstat(from)) {
    for (const folder of foldersAbove([to])) await fs.makeFolder(folder);
    if (await fs.rename(from, to)) return true;
  }
  if (!(await fs.lstat(from))) return (await fs.lstat(to)) !== undefined;
  const reason = 'the server refuses (a folder with something in it, or a full disk)';
  throw slipwayError('CACHE_WRITE_FAILED', { location, path: to, doing: `rename ${from} to`, reason });
};
