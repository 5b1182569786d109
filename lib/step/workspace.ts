import { appendFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../log/index.ts';

/** What a step does to the checkout it works in; paths are below the root of the OS tree. */
export interface Workspace {
  /** Absolute path of a path in the tree. */
  resolve(path: string): string;
  makeFolder(path: string): Promise<void>;
  /** Removes a file or a folder with all that is in it; fine when there is none. */
  remove(path: string): Promise<void>;
  write(path: string, text: string): Promise<void>;
  append(path: string, text: string): Promise<void>;
  /** Makes a symbolic link, in the place of whatever is there. @param target as it is written into the link */
  link(path: string, target: string): Promise<void>;
  /** Renames; an existing target file is replaced. */
  move(from: string, to: string): Promise<void>;
}

/** The workspace that really changes things. @param root absolute path of the OS tree */
export const createWorkspace = (root: string): Workspace => {
  const resolve = (path: string): string => join(root, path);
  return {
    resolve,
    async makeFolder(path) {
      await mkdir(resolve(path), { recursive: true });
    },
    remove: (path) => rm(resolve(path), { recursive: true, force: true }),
    async write(path, text) {
      await mkdir(dirname(resolve(path)), { recursive: true });
      await writeFile(resolve(path), text);
    },
    append: (path, text) => appendFile(resolve(path), text),
    async link(path, target) {
      await rm(resolve(path), { recursive: true, force: true });
      await symlink(target, resolve(path));
    },
    move: (from, to) => rename(resolve(from), resolve(to)),
  };
};

/** The workspace of `--plan`: says what would be done. */
export const createPlanningWorkspace = (root: string, log: Log): Workspace => {
  const plan = async (effect: string): Promise<void> => log.emit({ kind: 'planned', effect });
  return {
    resolve: (path) => join(root, path),
    makeFolder: (path) => plan(`make the folder ${path}`),
    remove: (path) => plan(`remove ${path}`),
    write: (path) => plan(`write ${path}`),
    append: (path, text) => plan(`append to ${path}: ${text.trimEnd()}`),
    link: (path, target) => plan(`make the link ${path} to ${target}`),
    move: (from, to) => plan(`move ${from} to ${to}`),
  };
};

/** Names in a folder that do not start with a dot, sorted; empty when there is no such folder. @param folder absolute path */
export const visibleNames = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};
