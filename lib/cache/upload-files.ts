import { stat } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { validatePath } from './paths.ts';
import type { Upload } from './types.ts';

/** An upload whose source has been looked at. */
export interface CheckedUpload extends Upload {
  readonly sizeBytes: number;
  /** Bytes that it takes on disk, without its holes. */
  readonly storedBytes: number;
  /** Of its last change, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Permission bits that it is to have in the cache. */
  readonly mode: number;
}

/** The cache is there to be read, whatever the umask of a build was. */
const READABLE = 0o444;

const BLOCK_BYTES = 512;

const checkOne = async (upload: Upload): Promise<CheckedUpload> => {
  validatePath(upload.path);
  const { file } = upload;
  if (upload.linkTarget !== undefined) return { ...upload, sizeBytes: 0, storedBytes: 0, modifiedMs: 0, mode: 0o777 };
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw slipwayError('ARTIFACT_FILE_INVALID', { file, reason: 'it is not a regular file' });
    return {
      ...upload,
      sizeBytes: stats.size,
      storedBytes: Math.min(stats.size, stats.blocks * BLOCK_BYTES),
      modifiedMs: stats.mtimeMs,
      mode: (stats.mode & 0o777) | READABLE,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
    throw slipwayError('ARTIFACT_FILE_INVALID', { file, reason: `it cannot be read (${code})` }, error);
  }
};

/**
 * Looks at all files of a set before anything is sent.
 *
 * Throws `CACHE_PATH_INVALID` (also for a path that comes twice) and `ARTIFACT_FILE_INVALID`.
 */
export const checkUploads = async (uploads: readonly Upload[]): Promise<readonly CheckedUpload[]> => {
  const seen = new Set<string>();
  for (const { path } of uploads) {
    if (seen.has(path)) throw slipwayError('CACHE_PATH_INVALID', { path, reason: 'the set has it twice' });
    seen.add(path);
  }
  return Promise.all(uploads.map(checkOne));
};
