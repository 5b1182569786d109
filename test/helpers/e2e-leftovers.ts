import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from './e2e-world.ts';
import { commandLineOf, processIds, workFolderOf } from './processes.ts';
import { listTree, namesIn } from './temp-files.ts';

/** Processes that work somewhere below the folder: their command lines. */
const processesIn = (folder: string): string[] =>
  processIds()
    .filter((pid) => workFolderOf(pid).startsWith(`${folder}/`))
    .map(commandLineOf)
    .filter(Boolean);

const foldersOfSteps = (tree: string): string[] =>
  namesIn(join(tree, '__build__/slipway'))
    .filter((name) => name.startsWith('tmp-'))
    .map((name) => `folder of a step: ${name}`);

/**
 * What a step that has ended, however it ended, must not leave behind.
 *
 * @param tree absolute path of the checkout that it worked in
 * @param versionTags whose containers must be gone; a step that ended well may leave some
 * @returns one line each
 */
export const findLeftovers = async (world: World, tree: string, versionTags: readonly string[]): Promise<string[]> => {
  const staging = join(world.server, '.staging');
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return [
    ...(await world.engine.containersOf(versionTags)).map((name) => `container: ${name}`),
    ...mounts.filter((line) => line.includes(world.folder)).map((line) => `mount: ${line}`),
    ...readdirSync(world.temp).map((name) => `temporary file: ${name}`),
    ...foldersOfSteps(tree),
    ...(existsSync(staging) ? listTree(staging) : []).map((name) => `staged upload: ${name}`),
    ...processesIn(world.workspace).map((line) => `process: ${line}`),
  ];
};
