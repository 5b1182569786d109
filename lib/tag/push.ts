import { type SlipwayError, slipwayError } from '../errors/index.ts';
import type { Git, PushReport } from '../git/index.ts';

/** A push of a tag, and of a branch if there is one, that is to happen whole or not at all. */
export interface TagPush {
  readonly tag: string;
  /** The commit it is at. */
  readonly commit: string;
  /** How a push names that commit: `HEAD`, or the commit itself when it is not checked out. */
  readonly source: string;
  readonly branch: string | undefined;
  /** Where the branch was when the commit was made. */
  readonly branchTip: string | undefined;
}

/** What the remote has now. */
interface RemoteNow {
  readonly tagCommit: string | undefined;
  readonly branchTip: string | undefined;
}

const refsOf = ({ tag, branch }: TagPush): string[] => [
  ...(branch === undefined ? [] : [`refs/heads/${branch}`]),
  `refs/tags/${tag}`,
];

const statusOf = (report: PushReport, ref: string) => report.refs.find((pushed) => pushed.ref === ref)?.status;

const askRemote = async (git: Git, push: TagPush): Promise<RemoteNow> => {
  const tagRef = `refs/tags/${push.tag}`;
  const refs = await git.remoteRefs([...refsOf(push), `${tagRef}^{}`]);
  return {
    tagCommit: refs.get(`${tagRef}^{}`) ?? refs.get(tagRef),
    branchTip: push.branch === undefined ? undefined : refs.get(`refs/heads/${push.branch}`),
  };
};

const takenBy = async (git: Git, push: TagPush, winner: string): Promise<SlipwayError> => {
  if ((await git.commitOf(winner)) === undefined) await git.fetchObjects(`refs/tags/${push.tag}`);
  const sameTree = !(await git.differs(push.commit, { to: winner }));
  return slipwayError('TAG_TAKEN', { tag: push.tag, commit: push.commit, takenBy: winner, sameTree });
};

/** Finds out from the remote what a push that did not end well came to. */
const judgeFailure = async (git: Git, push: TagPush, report: PushReport): Promise<'pushed' | SlipwayError> => {
  const now = await askRemote(git, push);
  const isAnswered = report.refs.length > 0;
  // The connection broke after the remote had taken everything.
  if (!isAnswered && now.tagCommit === push.commit) return 'pushed';
  if (now.tagCommit !== undefined) return takenBy(git, push, now.tagCommit);
  const { tag, branch, branchTip } = push;
  if (branch !== undefined && branchTip !== undefined && now.branchTip !== undefined && now.branchTip !== branchTip) {
    return slipwayError('BRANCH_MOVED', { tag, branch, expected: branchTip, tip: now.branchTip });
  }
  const refs = report.refs.filter(({ status }) => status === 'rejected');
  if (isAnswered) return slipwayError('PUSH_REJECTED', { refs, output: report.output });
  return slipwayError('PUSH_FAILED', { refs: refsOf(push), output: report.output });
};

/**
 * Pushes the tag, and its commit to the branch, in one transaction of the remote. Of two runs that push the same tag exactly one returns:
 * the remote makes a tag only once, and finding it there although it was not when we looked means that another run made it.
 *
 * Throws `TAG_TAKEN`, `BRANCH_MOVED`, `PUSH_REJECTED` or `PUSH_FAILED`; then nothing was pushed.
 *
 * @returns full names of the refs that were pushed
 */
export const pushTag = async (git: Git, push: TagPush): Promise<string[]> => {
  const tagRef = `refs/tags/${push.tag}`;
  const report = await git.push([
    ...(push.branch === undefined ? [] : [`${push.source}:refs/heads/${push.branch}`]),
    tagRef,
  ]);
  if (report.exitCode === 0) {
    // Two runs can make the same commit in the same second. The one that finds it pushed is not the one that pushed it.
    if (statusOf(report, tagRef) === 'up-to-date') throw await takenBy(git, push, push.commit);
    return refsOf(push).filter((ref) => statusOf(report, ref) !== 'up-to-date');
  }
  const outcome = await judgeFailure(git, push, report);
  if (outcome !== 'pushed') throw outcome;
  return refsOf(push);
};
