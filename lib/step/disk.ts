import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { slipwayError } from '../errors/index.ts';

const freeBytesAt = async (folder: string): Promise<number> => {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return freeBytesAt(dirname(folder));
  }
};

/**
 * Checks before a step starts that there is room for what it will write.
 *
 * @param folders absolute paths of the places that it fills, with a word for each; need not exist yet
 * @param neededBytes what may be needed in any one of them
 * @throws DISK_TOO_SMALL
 */
export const requireDiskSpace = async (
  folders: readonly { readonly folder: string; readonly purpose: string }[],
  neededBytes: number,
): Promise<void> => {
  for (const { folder, purpose } of folders) {
    const freeBytes = await freeBytesAt(folder);
    if (freeBytes < neededBytes) throw slipwayError('DISK_TOO_SMALL', { folder, purpose, freeBytes, neededBytes });
  }
};
