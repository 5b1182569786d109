import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Gives `work` a new folder and removes it with all that is in it, so that runs do not meet and nothing is left behind.
 *
 * @param parent absolute path of an existing folder
 */
export const inOwnFolder = async <T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(parent, 'image-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
