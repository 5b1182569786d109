import { readFile } from 'node:fs/promises';

/** A text file, or undefined when there is none; any other trouble throws. @param file absolute path */
export const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
