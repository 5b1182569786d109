import { readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
import { slipwayError } from '../errors/index.ts';
import { expandReferences } from './expand.ts';

/** One settings file. */
export interface ConfigFile {
  /** Absolute path. */
  readonly file: string;
  /** A file that was asked for by name must be there; one in a usual place may be. */
  readonly mustExist: boolean;
}

/** In single quotes a dollar sign is one, as in a shell. */
const keepSingleQuoted = (text: string): string =>
  text.replace(/^(\s*(?:export\s+)?[\w.-]+\s*=\s*)('[^']*')/gm, (_, head: string, quoted: string) => {
    return head + quoted.replaceAll('$', '\\$');
  });

/**
 * Reads a `ci-config.env`: `NAME=value` lines with `${OTHER}` and `${OTHER:-default}`, as data. Nothing in it is executed.
 * A reference is to a line before, else to the environment.
 *
 * @param file absolute path
 * @param env the environment that `${NAME}` may refer to
 * @returns the keys and values, or undefined when there is no such file
 * @throws CONFIG_FILE_UNREADABLE
 */
export const readConfigFile = async (
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  mustExist: boolean,
): Promise<Record<string, string> | undefined> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !mustExist) return undefined;
    throw slipwayError('CONFIG_FILE_UNREADABLE', { file, reason: (error as Error).message }, error);
  }
  const parsed = parse(keepSingleQuoted(text));
  const values: Record<string, string> = {};
  const lookUp = (name: string): string | undefined => (Object.hasOwn(parsed, name) ? values[name] : env[name]);
  for (const [name, value] of Object.entries(parsed)) values[name] = expandReferences(value, lookUp);
  return values;
};
