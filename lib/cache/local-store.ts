import { chmod, mkdir, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import { createLocalFs } from './local-fs.ts';
import { joinPath, STAGING, validateFolder, validatePath } from './paths.ts';
import { checkRange, type LocalSource, readLocalBytes, readLocalRange, SMALL_BYTES } from './reading.ts';
import { copySparse } from './sparse-copy.ts';
import { NotPlacedError, placeSet, removeFromCache, type StagedFile, sweepStaging } from './staging.ts';
import { listEntries, renameInCache } from './store-names.ts';
import type { CachePath, CacheStore, PublishOptions, TransferOptions, Upload } from './types.ts';
import { type CheckedUpload, checkUploads } from './upload-files.ts';

/** What a local store needs. */
export interface LocalStoreOptions {
  /** Absolute path of the cache's folder; made when something is published. */
  readonly dir: string;
  readonly signal?: AbortSignal;
}

const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

const orUndefined = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
};

/** The disk of a folder has `neededBytes` left, or `CACHE_DISK_FULL` is thrown. */
const checkSpace = async (location: string, folder: string, neededBytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (neededBytes > freeBytes) throw slipwayError('CACHE_DISK_FULL', { location, neededBytes, freeBytes });
};

const diskFull = async (location: string, folder: string, neededBytes: number, cause: unknown): Promise<Error> => {
  const { bavail, bsize } = await statfs(folder);
  return slipwayError('CACHE_DISK_FULL', { location, neededBytes, freeBytes: bavail * bsize }, cause);
};

const PARTIAL = /^\.slipway-(.+)\.partial$/;

/** Copies that a killed process left beside a download. */
const sweepPartials = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const owner = PARTIAL.exec(name)?.[1];
    if (owner && isOwnerDead(owner)) await rm(join(folder, name), { force: true });
  }
};

/** The artifact cache in a local folder; several processes may use it at once. */
export const createLocalStore = ({ dir, signal }: LocalStoreOptions): CacheStore => {
  const fs = createLocalFs(dir);
  const at = (path: CachePath): string => join(dir, path);
  const sourceOf = (path: CachePath): LocalSource => ({ file: at(validatePath(path)), path, location: dir });

  const stageOne = async (upload: CheckedUpload, staged: CachePath, options: TransferOptions): Promise<void> => {
    const { file, linkTarget, mode, modifiedMs } = upload;
    if (linkTarget !== undefined) return fs.makeLink(linkTarget, staged);
    await copySparse(file, at(staged), { ...options, signal });
    await chmod(at(staged), mode);
    await utimes(at(staged), Date.now() / 1000, modifiedMs / 1000);
  };

  const stage = async (uploads: readonly CheckedUpload[], options: TransferOptions): Promise<StagedFile[]> => {
    const staged: StagedFile[] = [];
    try {
      for (const upload of uploads) {
        const key = `tmp-${makeOwnName()}`;
        staged.push({ ...upload, key });
        await stageOne(upload, `${STAGING}/${key}`, options);
      }
      return staged;
    } catch (error) {
      await discard(staged);
      throw error;
    }
  };

  const discard = async (staged: readonly StagedFile[]): Promise<void> => {
    for (const { key } of staged) await rm(at(`${STAGING}/${key}`), { force: true });
  };

  const publish = async (uploads: readonly Upload[], options: PublishOptions): Promise<void> => {
    const checked = await checkUploads(uploads);
    await mkdir(dir, { recursive: true });
    await fs.makeFolder(STAGING);
    await sweepStaging(fs);
    const neededBytes = checked.reduce((sum, upload) => sum + upload.storedBytes, 0);
    await checkSpace(dir, dir, neededBytes);
    let staged: StagedFile[] = [];
    try {
      staged = await stage(checked, options);
      const left = await placeSet(fs, staged, dir, { ...options, signal });
      if (left[0]) {
        const reason = 'its staged copy was removed by somebody';
        throw slipwayError('CACHE_WRITE_FAILED', { location: dir, path: left[0].path, doing: 'publish', reason });
      }
    } catch (error) {
      await discard(staged);
      if (error instanceof NotPlacedError) return;
      throw isCode(error, 'ENOSPC', 'EDQUOT') ? await diskFull(dir, dir, neededBytes, error) : error;
    }
  };

  const download = async (path: CachePath, toFile: string, options: TransferOptions): Promise<void> => {
    const stats = await orUndefined(() => stat(at(validatePath(path))));
    if (!stats?.isFile()) throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location: dir });
    const folder = dirname(toFile);
    await mkdir(folder, { recursive: true });
    await sweepPartials(folder);
    const partial = join(folder, `.slipway-${makeOwnName()}.partial`);
    options.onSize?.(stats.size);
    try {
      await copySparse(at(path), partial, { ...options, signal });
      await chmod(partial, 0o644);
      await rename(partial, toFile);
    } catch (error) {
      await rm(partial, { force: true });
      if (isCode(error, 'ENOSPC', 'EDQUOT')) throw await diskFull(folder, folder, stats.size, error);
      throw error;
    }
  };

  return {
    location: dir,
    size: async (path) => {
      const stats = await orUndefined(() => stat(at(validatePath(path))));
      return stats?.isFile() ? stats.size : undefined;
    },
    rangedSize: async (path) => {
      const stats = await orUndefined(() => stat(at(validatePath(path))));
      return stats?.isFile() ? stats.size : undefined;
    },
    list: async (folder, { onlyFolders = false } = {}) => {
      const names = (await orUndefined(() => readdir(at(validateFolder(folder))))) ?? [];
      const isWanted = async (name: string): Promise<boolean> =>
        !onlyFolders || (await fs.stat(joinPath(folder, name)))?.kind === 'folder';
      const answers = await Promise.all(names.map(isWanted));
      return names.filter((name, at) => answers[at] && (folder !== '' || name !== STAGING)).sort();
    },
    entries: (folder) => listEntries(fs, folder),
    readText: (path) => orUndefined(() => readFile(at(validatePath(path)), 'utf8')),
    readBytes: (path, maxBytes = SMALL_BYTES) => orUndefined(() => readLocalBytes(sourceOf(path), maxBytes)),
    readRange: async (path, offset, length) => {
      checkRange(path, offset, length);
      signal?.throwIfAborted();
      const bytes = await orUndefined(() => readLocalRange(sourceOf(path), offset, length));
      if (!bytes) throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location: dir });
      return bytes;
    },
    download: (path, toFile, options = {}) => download(path, toFile, options),
    publish: async (uploads, options = {}) => {
      if (uploads.length > 0) await publish(uploads, options);
      else await sweepStaging(fs);
    },
    rename: (from, to) => renameInCache(fs, dir, from, to),
    remove: async (path) => {
      if (await orUndefined(() => stat(dir))) await removeFromCache(fs, validatePath(path));
    },
    close: async () => {},
  };
};
