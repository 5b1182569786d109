import { readFile } from 'node:fs/promises';
import { parse } from 'dotenv';
import { expand } from 'dotenv-expand';
import { slipwayError } from '../errors/index.ts';

/** One settings file. */
export interface ConfigFile {
  /** Absolute path. */
  readonly file: string;
  /** A file that was asked for by name must be there; one in a usual place may be. */
  readonly mustExist: boolean;
}

/**
 * Reads a `ci-config.env`: `NAME=value` lines with `${OTHER}` and `${OTHER:-default}`, as data. Nothing in it is executed.
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
  const parsed = parse(text);
  // expand() lets the environment win over the file and would hide where a value comes from: refer to it, but drop own keys.
  const others = Object.entries(env).filter(([name, value]) => value !== undefined && !(name in parsed));
  return expand({ parsed, processEnv: Object.fromEntries(others) as Record<string, string> }).parsed ?? {};
};
