import { readTreeList } from '../tree/index.ts';
import type { StepContext } from './context.ts';
import type { BuildFacts } from './facts.ts';

/**
 * Adds to the facts of a build those of the tree's lists that templates ask for, each joined by commas.
 *
 * @throws TREE_LIST_UNREADABLE
 */
export const withLists = async (
  { root, tree }: Pick<StepContext, 'root' | 'tree'>,
  facts: BuildFacts,
  templates: readonly string[],
): Promise<BuildFacts> => {
  const names = Object.keys(tree.lists).filter((name) => templates.some((text) => text.includes(`\${${name}}`)));
  const lists = await Promise.all(
    names.map(async (name) => [name, (await readTreeList(root, tree, name, facts.arch)).join(',')] as const),
  );
  return { ...facts, ...Object.fromEntries(lists) };
};
