import { slipwayError } from '../errors/index.ts';
import type { Git } from '../git/index.ts';
import type { SubmoduleTarget } from './submodules.ts';
import type { TagRequest, TagTools } from './types.ts';

/** Checks out what the version commit records. Throws rather than overwrite changes in a submodule. */
export const checkoutSubmodules = async ({ git }: TagTools, targets: readonly SubmoduleTarget[]): Promise<void> => {
  for (const { path, commit } of targets) {
    const own = git.at(path);
    if ((await own.head()) !== commit) await own.checkout(commit);
  }
};

const pushOne = async (own: Git, { name, commit }: SubmoduleTarget, tag: string): Promise<void> => {
  const ref = `refs/tags/${tag}`;
  const report = await own.push([ref]);
  if (report.exitCode === 0) return;
  const now = await own.remoteRefs([ref, `${ref}^{}`]);
  const tagCommit = now.get(`${ref}^{}`) ?? now.get(ref);
  // Another run for the same version was first here: fine, because the tree's own tag decides which of the two wins.
  if (tagCommit === commit) return;
  if (tagCommit !== undefined) {
    throw slipwayError('SUBMODULE_TAG_DIFFERS', { submodule: name, tag, tagCommit, wanted: commit });
  }
  throw slipwayError('SUBMODULE_PUSH_FAILED', { submodule: name, tag, output: report.output });
};

const tagOne = async (own: Git, target: SubmoduleTarget, { version, sign }: TagRequest): Promise<void> => {
  const tag = version.text;
  const local = await own.commitOf(`refs/tags/${tag}`);
  if (local !== undefined && local !== target.commit) {
    throw slipwayError('SUBMODULE_TAG_DIFFERS', {
      submodule: target.name,
      tag,
      tagCommit: local,
      wanted: target.commit,
    });
  }
  if (local === undefined) await own.tagCommit(tag, target.commit, { sign });
  await pushOne(own, target, tag);
};

/**
 * Gives the submodules the tag of the version and pushes it, each to its own remote. The tree's own tag comes after it, so that what
 * that names is there.
 *
 * Throws `SUBMODULE_TAG_DIFFERS`, `SUBMODULE_PUSH_FAILED`, `COMMAND_FAILED`.
 *
 * @param pushed gets what this run pushed, also when it throws
 */
export const tagSubmodules = async (
  { git }: TagTools,
  request: TagRequest,
  targets: readonly SubmoduleTarget[],
  pushed: SubmoduleTarget[],
): Promise<void> => {
  for (const target of targets) {
    if (target.isTagged) continue;
    await tagOne(git.at(target.path), target, request);
    pushed.push(target);
  }
};

/** Checks out again what was checked out before; tags that are on a remote already stay. */
export const restoreSubmodules = async (
  { undo, git, log }: TagTools,
  { version }: TagRequest,
  targets: readonly SubmoduleTarget[],
  pushed: readonly SubmoduleTarget[],
): Promise<void> => {
  for (const target of targets) {
    const own = (undo ?? git).at(target.path);
    const now = (await own.currentBranch()) ?? (await own.head());
    if (now !== target.checkedOut) await own.checkout(target.checkedOut);
    if (pushed.includes(target)) {
      log.warn(`The tag ${version.text} was pushed to ${target.name} (${target.commit.slice(0, 12)}) and stays there.`);
      continue;
    }
    const ref = `refs/tags/${version.text}`;
    const value = target.isTagged || target.isTaggedHere ? undefined : await own.refValue(ref);
    if (value !== undefined) await own.deleteRef(ref, value);
  }
};
