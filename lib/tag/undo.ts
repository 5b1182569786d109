import { join } from 'node:path';
import type { Git, IndexEntry } from '../git/index.ts';
import { readIfThere } from './read-if-there.ts';
import type { SubmoduleTarget } from './submodules.ts';
import type { TreeFiles } from './types.ts';

/** What a clone looked like before a version commit was made. */
export interface Snapshot {
  readonly head: string;
  readonly versionFile: string;
  /** Undefined: there was none. */
  readonly text: string | undefined;
  readonly indexEntry: IndexEntry | undefined;
  /** Index entries of submodules by path. */
  readonly submodules: ReadonlyMap<string, IndexEntry | undefined>;
  /** The tag that is going to be made; it is not there yet. */
  readonly tag: string;
}

/**
 * @param head what is checked out
 * @param versionFile path from the root of the tree
 */
export const takeSnapshot = async (
  git: Git,
  head: string,
  versionFile: string,
  tag: string,
  submodules: readonly SubmoduleTarget[] = [],
): Promise<Snapshot> => {
  const entries = submodules.map(async ({ path }) => [path, await git.indexEntry(path)] as const);
  const [text, indexEntry, ...others] = await Promise.all([
    readIfThere(join(git.cwd, versionFile)),
    git.indexEntry(versionFile),
    ...entries,
  ]);
  return { head, versionFile, text, indexEntry, submodules: new Map(others), tag };
};

/** Brings the clone back to the snapshot, from wherever the attempt stopped: no tag, no commit, the version file as it was. */
export const restoreSnapshot = async (git: Git, files: TreeFiles, before: Snapshot): Promise<void> => {
  const ref = `refs/tags/${before.tag}`;
  const tag = await git.refValue(ref);
  if (tag !== undefined) await git.deleteRef(ref, tag);
  const head = await git.head();
  if (head !== before.head) await git.moveHead(before.head, head, `slipway: ${before.tag} could not be pushed`);
  await git.setIndexEntry(before.versionFile, before.indexEntry);
  for (const [path, entry] of before.submodules) await git.setIndexEntry(path, entry);
  if (before.text === undefined) await files.remove(before.versionFile);
  else await files.write(before.versionFile, before.text);
};
