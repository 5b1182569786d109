import { inParallel } from '../process/in-parallel.ts';
import type { CachePath, StoreEntry } from './types.ts';

/** What a store's file system says of one name. */
export interface FsEntry extends StoreEntry {
  /** The later of last change and last use: an artifact keeps the time of its last change from where it was made. */
  readonly touchedMs: number;
}

/**
 * The few operations on names that publishing needs, on the file system where the artifacts are: locally by `node:fs`, remotely
 * by SFTP. Paths are cache paths, and may be in the staging folder.
 *
 * All methods throw `CACHE_WRITE_FAILED` or `CACHE_UNREACHABLE`.
 */
export interface CacheFs {
  /** Entries of a folder, or undefined when there is no such folder. */
  list(folder: CachePath): Promise<readonly FsEntry[] | undefined>;
  /** Follows links. Undefined when there is nothing. */
  stat(path: CachePath): Promise<FsEntry | undefined>;
  /** Does not follow the last name, so that a link is `other`. Undefined when there is nothing. */
  lstat(path: CachePath): Promise<FsEntry | undefined>;
  /** A small text file; undefined when there is none. */
  readText(path: CachePath): Promise<string | undefined>;
  /** Makes a symbolic link, dangling or not; fine when it is there. */
  makeLink(target: string, path: CachePath): Promise<void>;
  /** Makes one folder that everybody may read, whatever the umask; fine when it is there. */
  makeFolder(folder: CachePath): Promise<void>;
  /** Makes an empty file; fine when it is there. */
  makeFile(path: CachePath): Promise<void>;
  /** Sets a file's times to now by the caller's clock; false when there is no such file. */
  touch(path: CachePath): Promise<boolean>;
  /**
   * Renames, atomically replacing a file or an empty folder. False when there is no `from`, no folder for `to`, or `to` is a
   * folder with something in it.
   */
  rename(from: CachePath, to: CachePath): Promise<boolean>;
  /** Deletes a file or link; false when there was none. */
  removeFile(path: CachePath): Promise<boolean>;
  /** Deletes an empty folder; false when there is none or when something is in it. */
  removeFolder(folder: CachePath): Promise<boolean>;
  /** Bytes that may still be written, or undefined when the store does not say. */
  freeBytes(): Promise<number | undefined>;
}

const DELETIONS_AT_ONCE = 32;

/** Deletes a file or a folder with all that is in it. */
export const removeTree = async (fs: CacheFs, path: CachePath, kind: FsEntry['kind']): Promise<void> => {
  if (kind !== 'folder') {
    await fs.removeFile(path);
    return;
  }
  const entries = (await fs.list(path)) ?? [];
  // Each deletion waits for the server's answer, and there can be thousands; folders one by one, or the numbers multiply.
  const folders = entries.filter((entry) => entry.kind === 'folder');
  for (const { name } of folders) await removeTree(fs, `${path}/${name}`, 'folder');
  const others = entries.filter((entry) => entry.kind !== 'folder');
  await inParallel(others, DELETIONS_AT_ONCE, ({ name }) => fs.removeFile(`${path}/${name}`));
  await fs.removeFolder(path);
};
