import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { Git } from '../git/index.ts';
import type { SubmoduleRequest, TagRequest } from './types.ts';

/** A submodule that is tagged together with the tree. */
export interface SubmoduleTarget {
  readonly name: string;
  /** From the root of the tree. */
  readonly path: string;
  /** What the version commit will record. */
  readonly commit: string;
  /** What HEAD records. */
  readonly recorded: string;
  /** What is checked out in it now: a branch's short name, or a commit. */
  readonly checkedOut: string;
  /** Whether its remote has the tag already. */
  readonly isTagged: boolean;
  /** Whether it has the tag here. */
  readonly isTaggedHere: boolean;
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

type Refs = ReadonlyMap<string, string>;

/** A tag's commit, also when it is an annotated one. */
const tagIn = (refs: Refs, name: string): string | undefined =>
  refs.get(`refs/tags/${name}^{}`) ?? refs.get(`refs/tags/${name}`);

/** What the user's ref stands for: as the remote has it now, else a commit. */
const resolveRef = async (git: Git, refs: Refs, { name, ref }: SubmoduleRequest): Promise<string | undefined> => {
  if (ref === '') return undefined;
  const commit = refs.get(`refs/heads/${ref}`) ?? tagIn(refs, ref) ?? (await git.commitOf(ref));
  if (commit !== undefined) return commit;
  // Something that nobody has fetched yet; it may be a commit that no branch leads to.
  await git.fetch();
  const fetched = await git.commitOf(ref);
  if (fetched === undefined) throw slipwayError('SUBMODULE_REF_UNKNOWN', { submodule: name, ref });
  return fetched;
};

const refsToAsk = (tag: string, ref: string): string[] => [
  ...[`refs/tags/${tag}`, `refs/tags/${tag}^{}`],
  ...(ref === '' ? [] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/tags/${ref}^{}`]),
];

const gatherTarget = async (
  git: Git,
  tag: string,
  wanted: SubmoduleRequest,
  path: string,
): Promise<SubmoduleTarget> => {
  const { name, ref } = wanted;
  const recorded = await git.commitAt('HEAD', path);
  if (recorded === undefined) throw slipwayError('SUBMODULE_NOT_RECORDED', { submodule: name, path });
  // Without a repository of its own git would answer for the tree.
  if (!(await isThere(join(git.cwd, path, '.git')))) await git.initSubmodule(path);
  if (!(await isThere(join(git.cwd, path, '.git')))) {
    // A plan has cloned nothing.
    return { name, path, commit: recorded, recorded, checkedOut: recorded, isTagged: false, isTaggedHere: false };
  }
  const own = git.at(path);
  const [refs, head, branch, here] = await Promise.all([
    own.remoteRefs(refsToAsk(tag, ref)),
    own.head(),
    own.currentBranch(),
    own.refValue(`refs/tags/${tag}`),
  ]);
  const tagCommit = tagIn(refs, tag);
  const refCommit = await resolveRef(own, refs, wanted);
  if (tagCommit !== undefined && refCommit !== undefined && tagCommit !== refCommit) {
    throw slipwayError('SUBMODULE_TAG_DIFFERS', { submodule: name, tag, tagCommit, wanted: refCommit });
  }
  const commit = tagCommit ?? refCommit ?? recorded;
  if ((await own.commitOf(commit)) === undefined) await own.fetch();
  const checkedOut = branch ?? head;
  return {
    name,
    path,
    commit,
    recorded,
    checkedOut,
    isTagged: tagCommit !== undefined,
    isTaggedHere: here !== undefined,
  };
};

/**
 * Finds out what each submodule that follows versions is to have: the commit of the tag if its remote has that, else the given ref,
 * else what is recorded. Asks nothing in a tree without `.gitmodules`.
 *
 * Throws `SUBMODULE_TAG_DIFFERS`, `SUBMODULE_REF_UNKNOWN`, `SUBMODULE_NOT_RECORDED`.
 */
export const gatherSubmodules = async (git: Git, request: TagRequest): Promise<readonly SubmoduleTarget[]> => {
  const { submodules: wanted = [], version } = request;
  if (wanted.length === 0) return [];
  const targets: SubmoduleTarget[] = [];
  for (const { path } of await git.submodules()) {
    const one = wanted.find(({ name }) => name === basename(path));
    if (one) targets.push(await gatherTarget(git, version.text, one, path));
  }
  return targets;
};

/** Whether the new version has another submodule commit than what is checked out: then something changed. */
export const areSubmodulesMoved = (targets: readonly SubmoduleTarget[]): boolean =>
  targets.some(({ commit, recorded }) => commit !== recorded);

/** Whether a revision of the tree records just these commits. */
export const recordsSubmodules = async (
  git: Git,
  revision: string,
  targets: readonly SubmoduleTarget[],
): Promise<boolean> => {
  const recorded = await Promise.all(targets.map(({ path }) => git.commitAt(revision, path)));
  return targets.every(({ commit }, at) => recorded[at] === commit);
};
