import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { type TreeDescription, treeSchema } from './description.ts';

const TREES_FOLDER = join(import.meta.dirname, '..', '..', 'config', 'trees');

const faultOf = (issue: v.BaseIssue<unknown>): string => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`;

/**
 * Reads and checks one tree description.
 *
 * @param file absolute path
 * @throws TREE_DESCRIPTION_INVALID with every fault
 */
export const readTreeDescription = async (file: string): Promise<TreeDescription> => {
  const checked = v.safeParse(treeSchema, load(await readFile(file, 'utf8')));
  if (checked.success) return checked.output;
  throw slipwayError('TREE_DESCRIPTION_INVALID', { file, faults: checked.issues.map(faultOf) });
};

/** Names of the described trees. */
export const knownTrees = async (folder = TREES_FOLDER): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -'.yaml'.length));

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
};

/** Files of the descriptions that come into question. */
const candidateFiles = async (root: string, name: string, folder: string): Promise<string[]> => {
  const known = await knownTrees(folder);
  if (name === '') return known.map((one) => join(folder, `${one}.yaml`));
  if (known.includes(name)) return [join(folder, `${name}.yaml`)];
  const own = resolve(root, name);
  if (name.endsWith('.yaml') && (await readIfThere(own)) !== undefined) return [own];
  throw slipwayError('TREE_UNKNOWN', { tree: name, known, nearest: nearest(name, known) });
};

/**
 * Finds the description of the OS tree in `root`: the one named, or the one whose version file is there with its variables.
 *
 * @param root absolute path of the checkout
 * @param name a tree's name, the path of a description (`*.yaml`, against `root`), or empty
 * @throws TREE_NOT_FOUND, TREE_UNKNOWN, TREE_DESCRIPTION_INVALID
 */
export const findTree = async (root: string, name: string, folder = TREES_FOLDER): Promise<TreeDescription> => {
  const versionFiles = new Set<string>();
  for (const file of await candidateFiles(root, name, folder)) {
    const tree = await readTreeDescription(file);
    const text = await readIfThere(join(root, tree.versionFile));
    if (text?.includes(`${tree.variablePrefix}VERSION=`)) return tree;
    versionFiles.add(`${tree.versionFile} with ${tree.variablePrefix}VERSION`);
  }
  throw slipwayError('TREE_NOT_FOUND', { cwd: root, versionFiles: [...versionFiles] });
};
