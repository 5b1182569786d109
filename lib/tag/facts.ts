import { join } from 'node:path';
import type { Changes, Git } from '../git/index.ts';
import { readVersionFile } from '../version/index.ts';
import { readIfThere } from './read-if-there.ts';
import { branchOf, commitMessage, isNightlyOf, newVersionText, pickPreviousTag } from './rules.ts';
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

const findVersionCommit = async (git: Git, request: TagRequest, versionText: string): Promise<string | undefined> => {
  const { path } = request.rules.versionFile;
  const { subject, parents } = await git.commitInfo('HEAD');
  const [parent] = parents;
  if (subject !== commitMessage(request.version) || parent === undefined || parents.length > 1) return undefined;
  if (await git.differs(parent, { to: 'HEAD', exclude: [path] })) return undefined;
  if ((await git.blobAt('HEAD', path)) !== (await git.blobOf(versionText))) return undefined;
  return (await git.isPublished('HEAD')) ? undefined : parent;
};

/** Gathers what this clone knows; asks nobody else and changes nothing. Throws `NOT_A_GIT_CHECKOUT`, `VERSION_FILE_…`. */
export const gatherLocalFacts = async (git: Git, request: TagRequest): Promise<LocalFacts> => {
  const { rules, version } = request;
  const head = await git.head();
  const file = join(git.cwd, rules.versionFile.path);
  const current = rules.sdkVersion === 'kept' ? await readVersionFile(file, rules.versionFile.prefix) : undefined;
  const versionText = newVersionText(rules, version, current);
  const [changes, tags, text, versionCommitOn] = await Promise.all([
    git.changes(rules.sourceFolders),
    git.tagsAt(),
    readIfThere(file),
    findVersionCommit(git, request, versionText),
  ]);
  const previousTag = pickPreviousTag(rules, version, tags);
  const isNightly = isNightlyOf(rules, version);
  return { isNightly, head, versionCommitOn, changes, previousTag, versionText, hasVersionText: text === versionText };
};

const isEqualTo = async (git: Git, request: TagRequest, local: LocalFacts, commit: string): Promise<boolean> => {
  const { path } = request.rules.versionFile;
  if (await git.differs(commit, { exclude: [path] })) return false;
  return (await git.blobAt(commit, path)) === (await git.blobOf(local.versionText));
};

const gatherExisting = async (
  git: Git,
  request: TagRequest,
  local: LocalFacts,
  remote: ReadonlyMap<string, string>,
  branchTip: string | undefined,
): Promise<ExistingTag | undefined> => {
  const ref = `refs/tags/${request.version.text}`;
  const remoteCommit = remote.get(`${ref}^{}`) ?? remote.get(ref);
  const commit = remoteCommit ?? (await git.commitOf(ref));
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

/**
 * Fetches, and asks the remote what is there now: comparing with refs of an earlier fetch is how builds of old commits get published.
 */
export const gatherFacts = async (git: Git, request: TagRequest, local: LocalFacts): Promise<TagFacts> => {
  const { rules, version } = request;
  const branch = local.isNightly ? branchOf(rules, version) : undefined;
  await git.fetch();
  const tagPatterns =
    branch === undefined ? [`refs/tags/${version.text}`, `refs/tags/${version.text}^{}`] : ['refs/tags/*'];
  const remote = await git.remoteRefs([...tagPatterns, ...(branch === undefined ? [] : [`refs/heads/${branch}`])]);
  const branchTip = branch === undefined ? undefined : remote.get(`refs/heads/${branch}`);
  // The remote's own tags at HEAD are listed too, because a plan does not fetch them.
  const remoteTags = [...remote].flatMap(([ref, commit]) =>
    commit === local.head && ref.startsWith('refs/tags/')
      ? [ref.slice('refs/tags/'.length).replace(/\^\{\}$/, '')]
      : [],
  );
  const tags = [...new Set([...(await git.tagsAt()), ...remoteTags])];
  return {
    ...local,
    branch,
    branchTip,
    previousTag: pickPreviousTag(rules, version, tags),
    existing: await gatherExisting(git, request, local, remote, branchTip),
  };
};
