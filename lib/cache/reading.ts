import { open } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import type { CachePath } from './types.ts';

/** Limit of `CacheStore.readBytes` when none is given. */
export const SMALL_BYTES = 4 * 1024 * 1024;

/** Whoever wants more at once has read a wrong number somewhere. */
const MOST_RANGE_BYTES = 256 * 1024 * 1024;

/** Throws `RangeError` for a range that no file has. */
export const checkRange = (path: CachePath, offset: number, length: number): void => {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (isCount(offset) && isCount(length) && length <= MOST_RANGE_BYTES && isCount(offset + length)) return;
  throw new RangeError(`${length} bytes of ${path} from ${offset} on are not a range that can be read.`);
};

/** A local file as it is asked for. */
export interface LocalSource {
  /** Absolute path. */
  readonly file: string;
  /** For messages. */
  readonly path: CachePath;
  readonly location: string;
}

/**
 * A range of a local file.
 *
 * Throws `CACHE_RANGE_BEYOND_END`, and what the file system throws.
 */
export const readLocalRange = async (
  { file, path, location }: LocalSource,
  offset: number,
  length: number,
): Promise<Buffer> => {
  const handle = await open(file, 'r');
  try {
    const { size: sizeBytes } = await handle.stat();
    const tooShort = (): Error => slipwayError('CACHE_RANGE_BEYOND_END', { path, location, offset, length, sizeBytes });
    if (sizeBytes < offset + length) throw tooShort();
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw tooShort();
      done += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
};

/** A small local file. Throws `CACHE_FILE_TOO_LONG`. */
export const readLocalBytes = async ({ file, path, location }: LocalSource, maxBytes: number): Promise<Buffer> => {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size > maxBytes) throw slipwayError('CACHE_FILE_TOO_LONG', { path, location, maxBytes });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
};
