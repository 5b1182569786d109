import { join } from 'node:path';
import type { Changes, CommitInfo, Git } from '../git/index.ts';
import { waitForAll } from '../process/index.ts';
import { readVersionFile, type VersionFile } from '../version/index.ts';
import { readIfThere } from './read-if-there.ts';
import { branchOf, commitMessage, isNightlyOf, newVersionText, pickPreviousTag } from './rules.ts';
import { recordsSubmodules, type SubmoduleTarget } from './submodules.ts';
import type { TagRequest } from './types.ts';

/** A tag with the name of the new version that exists already. */
export interface ExistingTag {
  readonly commit: string;
  readonly onRemote: boolean;
  /** Whether its files are those that the new tag would have; unknown with `--plan` for a tag that was not fetched. */
  readonly isEqual: boolean | 'unknown';
  /** Whether it can be pushed to the branch of nightlies: it is the branch head or a commit right on top. */
  readonly followsBranch: boolean;
}

/** What is known without asking the remote. */
export interface LocalFacts {
  readonly isNightly: boolean;
  /** What is checked out. */
  readonly head: string;
  /**
   * The parent of HEAD, when HEAD is nothing but the version commit that this run would make, and unpublished: left by an attempt that
   * was killed. Else undefined.
   */
  readonly versionCommitOn: string | undefined;
  readonly changes: Changes;
  /** Submodules that follow the version. */
  readonly submodules: readonly SubmoduleTarget[];
  /** First of the tags at HEAD that counts as the previous build. */
  readonly previousTag: string | undefined;
  /** What the version file will be. */
  readonly versionText: string;
  /** Whether the version file in the working tree is that already. */
  readonly hasVersionText: boolean;
}

/** All that a decision needs. */
export interface TagFacts extends LocalFacts {
  /** The branch of a nightly; undefined for other versions. */
  readonly branch: string | undefined;
  /** Its head on the remote, asked just now; undefined when the remote has no such branch. */
  readonly branchTip: string | undefined;
  readonly existing: ExistingTag | undefined;
}

/** What the version commit may change: ours to write, so it does not count when files are compared. */
export const ownPaths = ({ rules }: TagRequest, submodules: readonly SubmoduleTarget[]): string[] => [
  rules.versionFile.path,
  ...submodules.map(({ path }) => path),
];

const findVersionCommit = async (
  git: Git,
  request: TagRequest,
  versionText: string,
  submodules: readonly SubmoduleTarget[],
  { subject, parents }: CommitInfo,
): Promise<string | undefined> => {
  const { path } = request.rules.versionFile;
  const [parent] = parents;
  if (subject !== commitMessage(request.version) || parent === undefined || parents.length > 1) return undefined;
  if (await git.differs(parent, { to: 'HEAD', exclude: ownPaths(request, submodules) })) return undefined;
  if (!(await recordsSubmodules(git, 'HEAD', submodules))) return undefined;
  if ((await git.blobAt('HEAD', path)) !== (await git.blobOf(versionText))) return undefined;
  return (await git.isPublished('HEAD')) ? undefined : parent;
};

/** Gathers what this clone knows; asks nobody else and changes nothing. Throws `NOT_A_GIT_CHECKOUT`, `VERSION_FILE_…`. */
export const gatherLocalFacts = async (
  git: Git,
  request: TagRequest,
  submodules: readonly SubmoduleTarget[] = [],
): Promise<LocalFacts> => {
  const { rules, version } = request;
  const isNightly = isNightlyOf(rules, version);
  const file = join(git.cwd, rules.versionFile.path);
  const readCurrent = async (): Promise<VersionFile | undefined> =>
    rules.sdkVersion === 'kept' ? readVersionFile(file, rules.versionFile.prefix) : undefined;
  // Only nightlies ask what was built before.
  const [head, info, current, changes, tags, text] = await waitForAll([
    git.head(),
    git.commitInfo('HEAD'),
    readCurrent(),
    git.changes(rules.sourceFolders),
    isNightly ? git.tagsAt() : Promise.resolve([]),
    readIfThere(file),
  ]);
  const versionText = newVersionText(rules, version, current);
  const versionCommitOn = await findVersionCommit(git, request, versionText, submodules, info);
  const previousTag = pickPreviousTag(rules, version, tags);
  const hasVersionText = text === versionText;
  return { isNightly, head, versionCommitOn, changes, submodules, previousTag, versionText, hasVersionText };
};

const isEqualTo = async (git: Git, request: TagRequest, local: LocalFacts, commit: string): Promise<boolean> => {
  const { path } = request.rules.versionFile;
  if (await git.differs(commit, { exclude: ownPaths(request, local.submodules) })) return false;
  if (!(await recordsSubmodules(git, commit, local.submodules))) return false;
  return (await git.blobAt(commit, path)) === (await git.blobOf(local.versionText));
};

const gatherExisting = async (
  git: Git,
  request: TagRequest,
  local: LocalFacts,
  remote: ReadonlyMap<string, string>,
  localTag: string | undefined,
  branchTip: string | undefined,
): Promise<ExistingTag | undefined> => {
  const ref = `refs/tags/${request.version.text}`;
  const remoteCommit = remote.get(`${ref}^{}`) ?? remote.get(ref);
  const commit = remoteCommit ?? localTag;
  if (commit === undefined) return undefined;
  const onRemote = remoteCommit !== undefined;
  if ((await git.commitOf(commit)) === undefined) {
    // Pushed between our fetch and our question; or nothing is fetched because this is a plan.
    await git.fetchObjects(ref);
    if ((await git.commitOf(commit)) === undefined)
      return { commit, onRemote, isEqual: 'unknown', followsBranch: false };
  }
  const { parents } = await git.commitInfo(commit);
  const followsBranch = commit === branchTip || (parents.length === 1 && parents[0] === branchTip);
  return { commit, onRemote, isEqual: await isEqualTo(git, request, local, commit), followsBranch };
};

/** What the remote has now, asked after or while fetching, and the tags at HEAD after that. */
interface RemoteFacts {
  readonly refs: ReadonlyMap<string, string>;
  readonly branch: string | undefined;
  /** Commit of a tag with the name of the new version that this clone had before it fetched. */
  readonly localTag: string | undefined;
}

/**
 * Fetches, and asks the remote what is there now: comparing with refs of an earlier fetch is how builds of old commits get published.
 * Needs nothing of the local facts, so both can be gathered at the same time.
 */
export const gatherRemoteFacts = async (git: Git, { rules, version }: TagRequest): Promise<RemoteFacts> => {
  const branch = isNightlyOf(rules, version) ? branchOf(rules, version) : undefined;
  const tag = `refs/tags/${version.text}`;
  const patterns = branch === undefined ? [tag, `${tag}^{}`] : ['refs/tags/*', `refs/heads/${branch}`];
  const [refs, localTag] = await waitForAll([git.remoteRefs(patterns), git.commitOf(tag), git.fetch()]);
  return { refs, branch, localTag };
};

/** Puts together what this clone and what the remote know. */
export const gatherFacts = async (
  git: Git,
  request: TagRequest,
  local: LocalFacts,
  { refs, branch, localTag }: RemoteFacts,
): Promise<TagFacts> => {
  const branchTip = branch === undefined ? undefined : refs.get(`refs/heads/${branch}`);
  const existing = await gatherExisting(git, request, local, refs, localTag, branchTip);
  if (branch === undefined) return { ...local, branch, branchTip, existing };
  // The remote's own tags at HEAD are listed too, because a plan does not fetch them.
  const remoteTags = [...refs].flatMap(([ref, commit]) =>
    commit === local.head && ref.startsWith('refs/tags/')
      ? [ref.slice('refs/tags/'.length).replace(/\^\{\}$/, '')]
      : [],
  );
  const tags = [...new Set([...(await git.tagsAt()), ...remoteTags])];
  return { ...local, branch, branchTip, previousTag: pickPreviousTag(request.rules, request.version, tags), existing };
};
