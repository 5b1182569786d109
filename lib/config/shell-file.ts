import { readFile } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';
import { evaluateShell, type ShellValues } from './shell/evaluate.ts';

/** A file in the shell's language, read as data. */
export interface ShellFile extends ShellValues {
  /** Absolute path. */
  readonly file: string;
}

/**
 * Reads a file of shell assignments, such as the settings of a tree's own steps, as data.
 *
 * @param file absolute path
 * @param cwd absolute; the folder in which a shell would read the file
 * @returns undefined when there is no such file
 * @throws CONFIG_FILE_UNREADABLE
 */
export const readShellFile = async (
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<ShellFile | undefined> => {
  try {
    return { file, ...evaluateShell(await readFile(file, 'utf8'), { ...env, PWD: cwd }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw slipwayError('CONFIG_FILE_UNREADABLE', { file, reason: (error as Error).message }, error);
  }
};
