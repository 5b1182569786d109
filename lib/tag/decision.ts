import { type SlipwayError, slipwayError } from '../errors/index.ts';
import { type ExistingTag, type LocalFacts, ownPaths, type TagFacts } from './facts.ts';
import { areSubmodulesMoved } from './submodules.ts';
import type { TagRequest } from './types.ts';

/** What to do, and why in one sentence. */
export type TagDecision =
  | { readonly action: 'refuse'; readonly error: SlipwayError }
  /** The cache must say whether the previous build was finished; then decide again. */
  | { readonly action: 'ask-cache' }
  | { readonly action: 'stop-unchanged'; readonly previousTag: string; readonly reason: string }
  | { readonly action: 'reuse'; readonly commit: string; readonly reason: string }
  | { readonly action: 'push-existing'; readonly commit: string; readonly branch?: string; readonly reason: string }
  | {
      readonly action: 'tag-only' | 'branch-and-tag';
      readonly branch?: string;
      /** The version commit is there already, left by an attempt that was killed. */
      readonly isCommitted: boolean;
      readonly reason: string;
    };

const REMOTE = 'origin';

const refuse = (error: SlipwayError): TagDecision => ({ action: 'refuse', error });

/**
 * Why a checkout cannot be tagged as it is, or undefined. Needs no network, so that it can be said at once.
 *
 * The version file itself is ours to write and may differ, except where a nightly asks whether anything changed since the previous one.
 */
export const refuseCheckout = (facts: LocalFacts, request: TagRequest): SlipwayError | undefined => {
  const { rules, avoidShortcuts } = request;
  const { path } = rules.versionFile;
  const own = ownPaths(request, facts.submodules);
  const { staged, unstaged, untracked } = facts.changes;
  const others = (files: readonly string[]): string[] => files.filter((file) => !own.includes(file));
  if (others(staged).length > 0) return slipwayError('STAGED_CHANGES', { files: others(staged), versionFile: path });
  const changed = [...others(unstaged), ...untracked];
  const comparesWith = facts.isNightly && !avoidShortcuts ? facts.previousTag : undefined;
  if (rules.uncommitted === 'refuse' && changed.length > 0) {
    return slipwayError('CHECKOUT_DIRTY', { files: changed, previousTag: comparesWith });
  }
  const tracked = [...new Set([...staged, ...unstaged])].filter((file) => file !== path || !facts.hasVersionText);
  return comparesWith !== undefined && tracked.length > 0
    ? slipwayError('CHECKOUT_DIRTY', { files: tracked, previousTag: comparesWith })
    : undefined;
};

const differs = (facts: TagFacts, { version }: TagRequest, existing: ExistingTag): TagDecision => {
  const why = existing.isEqual ? 'branch' : 'content';
  const where = existing.onRemote ? 'remote' : 'local';
  return refuse(
    slipwayError('TAG_DIFFERS', { tag: version.text, tagCommit: existing.commit, head: facts.head, where, why }),
  );
};

/** Whether the tag is only here, has the right files and can be pushed as it is. */
const canPush = ({ existing, branch }: TagFacts): boolean =>
  existing !== undefined &&
  !existing.onRemote &&
  existing.isEqual === true &&
  (branch === undefined || existing.followsBranch);

const canReuse = ({ existing }: TagFacts): boolean => existing?.onRemote === true && existing.isEqual !== false;

/** Whether HEAD is the version commit of this very run, unpublished: an earlier attempt was killed after it had committed. */
const isLeftover = ({ versionCommitOn, existing, head, branchTip }: TagFacts): boolean =>
  versionCommitOn !== undefined && existing === undefined && head !== branchTip;

/** The last part, common to all versions: what to do with the tag's name. */
const decideTag = (facts: TagFacts, request: TagRequest, why: string): TagDecision => {
  const { existing, branch } = facts;
  const { text } = request.version;
  if (canReuse(facts) && existing) {
    const caveat =
      existing.isEqual === 'unknown' ? '; its files are compared once it is fetched' : ' with the same files';
    return { action: 'reuse', commit: existing.commit, reason: `the tag ${text} exists on the remote${caveat}` };
  }
  if (existing && canPush(facts)) {
    return {
      action: 'push-existing',
      commit: existing.commit,
      branch,
      reason: `the tag ${text} exists here and not on the remote`,
    };
  }
  if (existing) return differs(facts, request, existing);
  const isCommitted = isLeftover(facts);
  const reason = isCommitted ? `${why}; the version commit of an earlier attempt is used` : why;
  return { action: branch === undefined ? 'tag-only' : 'branch-and-tag', branch, isCommitted, reason };
};

const allowed = ['yes', 'no'] as const;

const decideShortcut = (
  facts: TagFacts,
  request: TagRequest,
  previousTag: string,
  artifactsExist: boolean | undefined,
): TagDecision => {
  const setting = request.imagesExist ?? '';
  if (setting !== '' && setting !== 'yes' && setting !== 'no') {
    return refuse(slipwayError('TAG_SETTING_INVALID', { setting: 'CIA_DEBUGIMAGESEXIST', value: setting, allowed }));
  }
  const exist = setting === '' ? artifactsExist : setting === 'yes';
  if (exist === undefined) return { action: 'ask-cache' };
  if (exist) {
    const reason = `nothing changed since ${previousTag}, and its artifacts are in the cache`;
    return { action: 'stop-unchanged', previousTag, reason };
  }
  return decideTag(facts, request, `nothing changed since ${previousTag}, but its artifacts are not in the cache`);
};

/**
 * Decides what to do from facts alone; the table of section 2.2 of the specification, in its order.
 *
 * @param artifactsExist whether the cache has the artifacts of the checked-out version; undefined before it was asked
 */
export const assembleTagDecision = (facts: TagFacts, request: TagRequest, artifactsExist?: boolean): TagDecision => {
  const { version } = request;
  const { branch, branchTip: tip, head } = facts;
  const refused = refuseCheckout(facts, request);
  if (refused) return refuse(refused);
  // 1. Not a nightly: the tag stands free.
  if (branch === undefined) return decideTag(facts, request, `${version.text} is not a nightly`);
  // 2. A nightly is made from the branch head. Being run again after its own push moved the branch is fine: the tag is there.
  if (tip === undefined)
    return refuse(slipwayError('BRANCH_MISSING', { version: version.text, branch, remote: REMOTE }));
  const why = `a nightly from the head of ${branch}`;
  const isResumed = canPush(facts) || (isLeftover(facts) && facts.versionCommitOn === tip);
  if (isResumed) return decideTag(facts, request, why);
  if (head !== tip) {
    return canReuse(facts)
      ? decideTag(facts, request, why)
      : refuse(slipwayError('NOT_ON_BRANCH_HEAD', { version: version.text, branch, head, tip, remote: REMOTE }));
  }
  // 3. The shortcut: a build of the same sources that was finished is not made again.
  if (request.avoidShortcuts) return decideTag(facts, request, `${why}, shortcuts are off`);
  if (areSubmodulesMoved(facts.submodules)) return decideTag(facts, request, `${why}, with other submodules`);
  if (facts.previousTag === undefined) return decideTag(facts, request, `${why}, where no earlier build is tagged`);
  return decideShortcut(facts, request, facts.previousTag, artifactsExist);
};
