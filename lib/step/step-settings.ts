import { join } from 'node:path';
import { type LoadedSettings, loadSettings, readShellFile, type ShellFile } from '../config/index.ts';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import { findTree, type TreeDescription } from '../tree/index.ts';
import type { CommandLine } from './arguments.ts';
import { configFiles } from './config-files.ts';
import { adaptTree, environmentAfter } from './tree-settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface SettingsIo {
  readonly env: Environment;
  /** Absolute; the root of the OS tree. */
  readonly cwd: string;
  readonly slipwayRoot: string;
}

/** The settings that count for a step, in its tree. */
export interface StepSettings {
  readonly loaded: LoadedSettings;
  /** With what the tree's own file of settings says in place of the description's values. */
  readonly tree: TreeDescription;
  /** What programs are started with: as the tree's own steps have it once they have read the file. */
  readonly env: Environment;
}

/** The given flags that are settings; the step's own flags begin with dashes. */
export const settingFlags = (line: CommandLine): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(line.flags).filter(([name]) => !name.startsWith('--')));

/** The file of settings that the tree's own steps read, as data; undefined when the tree has none. */
export const readTreeFile = async (
  tree: TreeDescription,
  { cwd, env }: Pick<SettingsIo, 'cwd' | 'env'>,
): Promise<ShellFile | undefined> =>
  tree.settingsFile === undefined ? undefined : readShellFile(join(cwd, tree.settingsFile.path), env, cwd);

interface FoundSettings {
  readonly loaded: LoadedSettings;
  /** Undefined where there is no tree. */
  readonly tree: TreeDescription | undefined;
  readonly treeFile: ShellFile | undefined;
}

const load = async (
  io: SettingsIo,
  line: CommandLine,
  find: (name: string) => Promise<TreeDescription | undefined>,
): Promise<FoundSettings> => {
  const input = { flags: settingFlags(line), env: io.env, files: configFiles(io, line), cwd: io.cwd };
  // Which tree it is may be a setting, too.
  const loaded = await loadSettings(input);
  const tree = await find(loaded.values.SLIPWAY_TREE);
  const treeFile = tree && (await readTreeFile(tree, io));
  return { loaded: treeFile ? await loadSettings({ ...input, treeFile }) : loaded, tree, treeFile };
};

/**
 * Finds the settings for `config`, which works everywhere: also outside of a tree, and with settings that cannot be read.
 *
 * @throws SETTINGS_INVALID, CONFIG_FILE_UNREADABLE, TREE_UNKNOWN, TREE_DESCRIPTION_INVALID
 */
export const findSettings = (io: SettingsIo, line: CommandLine): Promise<FoundSettings> =>
  load(io, line, async (name) => {
    try {
      return await findTree(io.cwd, name);
    } catch (error) {
      if (isSlipwayError(error, 'TREE_NOT_FOUND')) return undefined;
      throw error;
    }
  });

/**
 * Loads the settings for a step, with its tree.
 *
 * @throws SETTINGS_INVALID, SETTINGS_NEED_SHELL, CONFIG_FILE_UNREADABLE, TREE_NOT_FOUND, TREE_UNKNOWN, TREE_DESCRIPTION_INVALID
 */
export const loadStepSettings = async (io: SettingsIo, line: CommandLine): Promise<StepSettings> => {
  let tree: TreeDescription | undefined;
  const { loaded, treeFile } = await load(io, line, async (name) => {
    tree = await findTree(io.cwd, name);
    return tree;
  });
  if (!tree) throw new Error('findTree() found no tree and threw nothing');
  if (loaded.unread.length > 0) throw slipwayError('SETTINGS_NEED_SHELL', { faults: loaded.unread });
  if (!treeFile) return { loaded, tree, env: io.env };
  return { loaded, tree: adaptTree(tree, treeFile), env: environmentAfter(io.env, treeFile, loaded) };
};
