import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { slipwayError } from '../../errors/index.ts';

const refuse = (target: string, reason: string): never => {
  throw slipwayError('CACHE_TOOL_VALUE_INVALID', { flag: '--to', value: target, reason });
};

/** Throws `CACHE_TOOL_VALUE_INVALID` unless the folder of the target is there, and the target is not. */
export const requireFree = async (target: string): Promise<void> => {
  const folder = await stat(dirname(target)).catch(() => undefined);
  if (!folder?.isDirectory()) refuse(target, `there is no folder ${dirname(target)}`);
  if (await lstat(target).catch(() => undefined)) refuse(target, 'something of that name is there already');
};

/** Says of a full disk which one it is, and how full. */
const explained = async (error: unknown, folder: string, neededBytes: number): Promise<unknown> => {
  if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) return error;
  const { bavail, bsize } = await statfs(folder);
  return slipwayError('CACHE_DISK_FULL', { location: folder, neededBytes, freeBytes: bavail * bsize }, error);
};

/**
 * Makes a file or a folder that appears under its name when it is complete, or not at all.
 *
 * @param target absolute path
 * @param neededBytes about how much is written, for the error about a full disk
 * @param make gets the path of an own, empty folder on the same disk, and returns the path in it of what it made
 * Throws `CACHE_TOOL_VALUE_INVALID`, `CACHE_DISK_FULL`, and what `make` throws.
 */
export const intoPlace = async (
  target: string,
  neededBytes: number,
  make: (own: string) => Promise<string>,
): Promise<void> => {
  await requireFree(target);
  const folder = dirname(target);
  const own = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await mkdir(own);
    const made = await make(own);
    await requireFree(target);
    await rename(made, target);
  } catch (error) {
    throw await explained(error, folder, neededBytes);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
};
