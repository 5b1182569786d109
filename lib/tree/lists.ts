import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluateShell } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { TreeDescription } from './description.ts';

type TreeList = TreeDescription['lists'][string];
type EbuildFolders = Extract<TreeList, { kind: 'ebuild-folders' }>;

const unreadable = (file: string, reason: string, cause?: unknown) =>
  slipwayError('TREE_LIST_UNREADABLE', { file, reason }, cause);

const orUnreadable = async <T>(file: string, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw unreadable(file, (error as Error).message, error);
  }
};

/** The words of every `KEYWORDS="..."` of a recipe; recipes are data here, nothing of them is executed. */
const keywordsOf = (text: string): string[] =>
  [...text.matchAll(/^\s*KEYWORDS=(?:"([^"]*)"|'([^']*)'|(\S*))/gm)].flatMap(([, double, single, bare]) =>
    (double ?? single ?? bare ?? '').split(/\s+/).filter(Boolean),
  );

/** `amd64` and `~amd64` (not yet stable) count; `-amd64` says that it does not work there. */
const supports = (text: string, arch: string): boolean =>
  keywordsOf(text).some((keyword) => keyword === arch || keyword === `~${arch}`);

const readEbuildFolders = async (root: string, { folder, prefix }: EbuildFolders, arch: string): Promise<string[]> => {
  const absolute = join(root, folder);
  const entries = await orUnreadable(absolute, readdir(absolute, { withFileTypes: true }));
  const names = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix)).map(({ name }) => name);
  const found = await Promise.all(
    names.toSorted().map(async (name) => {
      const recipes = (await readdir(join(absolute, name))).filter((file) => file.endsWith('.ebuild'));
      if (recipes.length === 0) throw unreadable(join(absolute, name), 'it has no recipe (*.ebuild)');
      const texts = await Promise.all(recipes.map((file) => readFile(join(absolute, name, file), 'utf8')));
      return texts.some((text) => supports(text, arch)) ? [name.slice(prefix.length)] : [];
    }),
  );
  if (names.length === 0) throw unreadable(absolute, `it has no folder ${prefix}*`);
  return found.flat();
};

const readArray = async (root: string, { file, array }: Extract<TreeList, { kind: 'shell-array' }>) => {
  const absolute = join(root, file);
  const { variables } = evaluateShell(await orUnreadable(absolute, readFile(absolute, 'utf8')), {});
  const { items, uses } = variables.get(array) ?? {};
  if (items === undefined || uses?.length !== 0) {
    throw unreadable(absolute, `nothing in it sets the array ${array} to plain words`);
  }
  return [...items];
};

/**
 * Reads a list that the tree keeps in its own files, as data.
 *
 * @param root absolute path of the checkout
 * @param name key in the description's `lists`
 * @param arch for lists that depend on it
 * @throws TREE_LIST_UNREADABLE
 */
export const readTreeList = async (
  root: string,
  { lists }: Pick<TreeDescription, 'lists'>,
  name: string,
  arch: string,
): Promise<string[]> => {
  const list = lists[name];
  if (!list) throw new Error(`the tree's description has no list ${name}`);
  return list.kind === 'shell-array' ? readArray(root, list) : readEbuildFolders(root, list, arch);
};
