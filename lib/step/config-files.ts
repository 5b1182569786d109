import { join, resolve } from 'node:path';
import type { ConfigFile } from '../config/index.ts';
import type { CommandLine } from './arguments.ts';

/** Name of the settings file, in the OS tree and in Slipway's own folder. */
const FILE_NAME = 'ci-config.env';

/**
 * The settings files that count, the strongest first: the one named by `--config` or `SLIPWAY_CONFIG`, else the OS tree's and then
 * Slipway's own.
 */
export const configFiles = (
  io: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    readonly slipwayRoot: string;
  },
  line: Pick<CommandLine, 'config'>,
): ConfigFile[] => {
  const named = line.config ?? io.env.SLIPWAY_CONFIG;
  if (named) return [{ file: resolve(io.cwd, named), mustExist: true }];
  return [io.cwd, io.slipwayRoot].map((folder) => ({ file: join(folder, FILE_NAME), mustExist: false }));
};
