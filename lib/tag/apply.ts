import { join } from 'node:path';
import type { Git } from '../git/index.ts';
import { waitForAll } from '../process/index.ts';
import type { TagDecision } from './decision.ts';
import { ownPaths, type TagFacts } from './facts.ts';
import { pushTag } from './push.ts';
import { readIfThere } from './read-if-there.ts';
import { commitMessage } from './rules.ts';
import type { SubmoduleTarget } from './submodules.ts';
import { checkoutSubmodules, restoreSubmodules, tagSubmodules } from './tag-submodules.ts';
import type { TagRequest, TagResult, TagTools } from './types.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from './undo.ts';

type Of<Action extends TagDecision['action']> = Extract<TagDecision, { action: Action }>;

/** Git refuses to commit for nobody; the original's defaults are for this repository only, and stay. */
const setAuthorDefaults = async (git: Git, { rules }: TagRequest): Promise<void> => {
  const [name, email] = await Promise.all([git.getConfig('user.name'), git.getConfig('user.email')]);
  if (name === undefined) await git.setConfig('user.name', rules.author.name);
  if (email === undefined) await git.setConfig('user.email', rules.author.email);
};

const makeVersionCommit = async (
  { git, files }: TagTools,
  request: TagRequest,
  { versionText, submodules }: TagFacts,
  { indexEntry }: Snapshot,
): Promise<void> => {
  const { path } = request.rules.versionFile;
  await files.write(path, versionText);
  // The commit takes what it names from the working tree; only a file that git does not know must be added before.
  if (indexEntry === undefined) await git.add(path);
  await git.commit(commitMessage(request.version), ownPaths(request, submodules));
};

/** Commits, tags and pushes; when any of it fails, the clone is brought back to what it was. */
const makeTag = async (
  tools: TagTools,
  request: TagRequest,
  facts: TagFacts,
  decision: Of<'tag-only' | 'branch-and-tag'>,
): Promise<TagResult> => {
  const { git, files, log, undo = git } = tools;
  const tag = request.version.text;
  const { branch, reason } = decision;
  const { submodules } = facts;
  const [before] = await waitForAll([
    takeSnapshot(git, facts.head, request.rules.versionFile.path, tag, submodules),
    setAuthorDefaults(git, request),
  ]);
  const pushedBefore: SubmoduleTarget[] = [];
  try {
    await checkoutSubmodules(tools, submodules);
    if (!decision.isCommitted) await makeVersionCommit(tools, request, facts, before);
    const [commit] = await waitForAll([git.head(), git.tag(tag, { sign: request.sign })]);
    await tagSubmodules(tools, request, submodules, pushedBefore);
    const pushed = await pushTag(git, { tag, commit, source: 'HEAD', branch, branchTip: facts.branchTip });
    return { outcome: 'tagged', tag, commit, branch, pushed, reason };
  } catch (error) {
    log.info(`${tag} could not be made and pushed; bringing the clone back to what it was.`);
    // The first error is the one to show.
    const takeBack = async (): Promise<void> => {
      await restoreSubmodules(tools, request, submodules, pushedBefore);
      await restoreSnapshot(undo, files, before);
    };
    await takeBack().catch((second: unknown) => log.warn(`That did not work: ${second}`));
    throw error;
  }
};

const pushExisting = async (
  tools: TagTools,
  request: TagRequest,
  facts: TagFacts,
  { commit, branch, reason }: Of<'push-existing'>,
): Promise<TagResult> => {
  const { git } = tools;
  const tag = request.version.text;
  await tagSubmodules(tools, request, facts.submodules, []);
  const pushed = await pushTag(git, { tag, commit, source: commit, branch, branchTip: facts.branchTip });
  await git.checkoutTag(tag);
  await checkoutSubmodules(tools, facts.submodules);
  return { outcome: 'tagged', tag, commit, branch, pushed, reason };
};

const reuse = async (
  tools: TagTools,
  { version }: TagRequest,
  { submodules }: TagFacts,
  { commit, reason }: Of<'reuse'>,
): Promise<TagResult> => {
  const { git } = tools;
  // Pushed by somebody after our fetch: the objects are here and the tag is not.
  if ((await git.refValue(`refs/tags/${version.text}`)) === undefined) await git.fetch();
  await git.checkoutTag(version.text);
  await checkoutSubmodules(tools, submodules);
  return { outcome: 'reused', tag: version.text, commit, pushed: [], reason };
};

const removeSkipFlag = async ({ git, files }: TagTools, flag: string | undefined): Promise<void> => {
  if (flag !== undefined && (await readIfThere(join(git.cwd, flag))) !== undefined) await files.remove(flag);
};

/**
 * Does what was decided. Throws the error of a refusal, `COMMAND_FAILED`, and what {@link pushTag} throws.
 *
 * The flag file for later steps is made when nothing changed and removed in every other case: one from an earlier run would make them skip
 * a build that is wanted.
 */
export const applyTagDecision = async (
  tools: TagTools,
  request: TagRequest,
  facts: TagFacts,
  decision: TagDecision,
): Promise<TagResult> => {
  const { skipFlag } = request.rules;
  if (decision.action === 'refuse') throw decision.error;
  if (decision.action === 'stop-unchanged') {
    if (skipFlag !== undefined) await tools.files.write(skipFlag, '');
    const { previousTag: tag, reason } = decision;
    return { outcome: 'unchanged', tag, commit: facts.head, pushed: [], reason };
  }
  await removeSkipFlag(tools, skipFlag);
  switch (decision.action) {
    case 'reuse':
      return reuse(tools, request, facts, decision);
    case 'push-existing':
      return pushExisting(tools, request, facts, decision);
    case 'tag-only':
    case 'branch-and-tag':
      return makeTag(tools, request, facts, decision);
    default:
      throw new Error('the cache was not asked before the decision was applied');
  }
};
