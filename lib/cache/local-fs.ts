import type { Stats } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rmdir,
  stat,
  statfs,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { CacheFs, FsEntry } from './cache-fs.ts';
import type { CachePath } from './types.ts';

const kindOf = (stats: Stats): FsEntry['kind'] => {
  if (stats.isDirectory()) return 'folder';
  return stats.isFile() ? 'file' : 'other';
};

const entryOf = (name: string, stats: Stats): FsEntry => ({
  name,
  kind: kindOf(stats),
  sizeBytes: stats.size,
  modifiedMs: stats.mtimeMs,
  touchedMs: Math.max(stats.mtimeMs, stats.atimeMs),
});

const FOLDER_MODE = 0o755;

/**
 * {@link CacheFs} on a local folder.
 *
 * @param root absolute path of the cache's folder
 */
export const createLocalFs = (root: string): CacheFs => {
  const at = (path: CachePath): string => join(root, path);

  /** Runs an operation; error codes in `expected` are an answer, all others are a failure. */
  const attempt = async <T>(
    doing: string,
    path: CachePath,
    work: () => Promise<T>,
    expected: Readonly<Record<string, T>> = {},
  ): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code in expected) return expected[code] as T;
      throw slipwayError('CACHE_WRITE_FAILED', { location: root, path, doing, reason: code || String(error) }, error);
    }
  };

  /** An entry that vanishes while the folder is listed was not there. */
  const statIn = async (folder: CachePath, name: string): Promise<FsEntry[]> => {
    try {
      return [entryOf(name, await lstat(at(`${folder}/${name}`)))];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };

  return {
    list: (folder) =>
      attempt<readonly FsEntry[] | undefined>(
        'list',
        folder,
        async () => (await Promise.all((await readdir(at(folder))).map((name) => statIn(folder, name)))).flat(),
        { ENOENT: undefined, ENOTDIR: undefined },
      ),
    stat: (path) =>
      attempt<FsEntry | undefined>('look at', path, async () => entryOf(path, await stat(at(path))), {
        ENOENT: undefined,
        ENOTDIR: undefined,
      }),
    lstat: (path) =>
      attempt<FsEntry | undefined>('look at', path, async () => entryOf(path, await lstat(at(path))), {
        ENOENT: undefined,
        ENOTDIR: undefined,
      }),
    readText: (path) =>
      attempt<string | undefined>('read', path, () => readFile(at(path), 'utf8'), {
        ENOENT: undefined,
        ENOTDIR: undefined,
        EISDIR: undefined,
      }),
    makeLink: (target, path) =>
      attempt<void>('make the link', path, () => symlink(target, at(path)), { EEXIST: undefined }),
    makeFolder: (folder) =>
      attempt<void>(
        'make the folder',
        folder,
        async () => {
          await mkdir(at(folder));
          // Whatever the umask: others read the cache. What a generous umask allows more, it means.
          const { mode } = await stat(at(folder));
          if ((mode & FOLDER_MODE) !== FOLDER_MODE) await chmod(at(folder), (mode & 0o7777) | FOLDER_MODE);
        },
        { EEXIST: undefined },
      ),
    makeFile: (path) => attempt('write', path, () => writeFile(at(path), '', { flag: 'a' })),
    touch: (path) =>
      attempt(
        'touch',
        path,
        async () => {
          await utimes(at(path), new Date(), new Date());
          return true;
        },
        { ENOENT: false, ENOTDIR: false },
      ),
    rename: (from, to) =>
      attempt(
        `rename ${from} to`,
        to,
        async () => {
          await rename(at(from), at(to));
          return true;
        },
        { ENOENT: false, ENOTEMPTY: false, EEXIST: false },
      ),
    removeFile: (path) =>
      attempt(
        'delete',
        path,
        async () => {
          await unlink(at(path));
          return true;
        },
        { ENOENT: false },
      ),
    removeFolder: (folder) =>
      attempt(
        'delete',
        folder,
        async () => {
          await rmdir(at(folder));
          return true;
        },
        { ENOENT: false, ENOTEMPTY: false, EEXIST: false },
      ),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
};
