import { applyLocalPatch } from '../patch/index.ts';
import type { StepContext } from './context.ts';

/**
 * Commits the tree's local patch, if there is one, on top of what is checked out. What the checkout says of the version must be read before: the
 * new commit has no tag.
 *
 * @throws PATCH_DOES_NOT_APPLY, PATCH_INDEX_DIRTY, PATCH_SESSION_OPEN
 */
export const applyTreePatch = async ({ tree, git, undo, log }: StepContext): Promise<void> => {
  if (tree.localPatch) await applyLocalPatch(tree.localPatch, { git, undo, log });
};
