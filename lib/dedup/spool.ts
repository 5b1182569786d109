import { appendFile, statfs, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { slipwayError } from '../errors/index.ts';

/** Says of a full disk which one it is, and how full. */
const naming = async (file: string, neededBytes: number, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    const location = dirname(file);
    const { bavail, bsize } = await statfs(location);
    throw slipwayError('CACHE_DISK_FULL', { location, neededBytes, freeBytes: bavail * bsize }, error);
  }
};

/** Writes a file that is on its way to the store. Throws `CACHE_DISK_FULL`. */
export const writeToSpool = (file: string, data: Buffer | string): Promise<void> =>
  naming(file, data.length, () => writeFile(file, data, { mode: 0o644 }));

/** Writes all of `data` to its end. Throws `CACHE_DISK_FULL`. */
export const appendToSpool = (file: string, data: Buffer): Promise<void> =>
  naming(file, data.length, () => appendFile(file, data));
