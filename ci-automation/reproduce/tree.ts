import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { findTree, knownTrees, readTreeDescription, type TreeDescription } from '../../lib/tree/index.ts';
import { SLIPWAY_ROOT } from '../run-as-script.ts';

const TREES = join(SLIPWAY_ROOT, 'config', 'trees');

/** The file that describes the tree of a checkout. */
const fileOf = async (checkout: string, name: string): Promise<{ file: string; tree: TreeDescription }> => {
  const tree = await findTree(checkout, name);
  const own = resolve(checkout, name);
  if (name.endsWith('.yaml') && !(await knownTrees()).includes(name)) return { file: own, tree };
  for (const known of await knownTrees()) {
    const file = join(TREES, `${known}.yaml`);
    if (JSON.stringify(await readTreeDescription(file)) === JSON.stringify(tree)) return { file, tree };
  }
  throw new Error(`no file describes ${tree.name}`);
};

/** Says in the name of a container that it is ours. */
export const CONTAINER_ENDING = '-reproduce';

type Raw = Record<string, Record<string, unknown>>;

/**
 * Writes a description of the tree in which nothing is different but the names of its containers: a build of the same version that is going on
 * beside this one, or was left to be looked into, is not touched.
 *
 * @param checkout absolute path of a checkout
 * @param name SLIPWAY_TREE
 * @param target absolute path, ends with `.yaml`
 */
export const describeTree = async (checkout: string, name: string, target: string): Promise<TreeDescription> => {
  const { file, tree } = await fileOf(checkout, name);
  const raw = load(await readFile(file, 'utf8')) as Raw;
  for (const section of ['packages', 'image', 'vms'])
    raw[section] = { ...raw[section], container: `${String(raw[section]?.container)}${CONTAINER_ENDING}` };
  // JSON is YAML.
  await writeFile(target, `${JSON.stringify(raw, undefined, 2)}\n`);
  return tree;
};
