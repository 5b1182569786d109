import type { ErrorText } from '../slipway-error.ts';

const short = (commit: string): string => commit.slice(0, 12);

const MAX_NAMED = 20;

const listed = (files: readonly string[]): string => {
  const more = files.length > MAX_NAMED ? [`… and ${files.length - MAX_NAMED} more`] : [];
  return [...files.slice(0, MAX_NAMED), ...more].map((file) => `  ${file}`).join('\n');
};

const filesWord = (files: readonly string[]): string => (files.length === 1 ? '1 file' : `${files.length} files`);

/** Texts of the errors of git, tagging and pushing. */
export const tagErrors = {
  NOT_A_GIT_CHECKOUT: (c: { folder: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.folder} is not a usable git checkout: ${c.reason.trim().split('\n')[0]}.`,
    hint: 'Run the step in the root of a git clone of an OS tree.',
  }),
  STAGED_CHANGES: (c: { files: readonly string[]; versionFile: string }): ErrorText => ({
    kind: 'misuse',
    message: `Changes to ${filesWord(c.files)} are staged and would get into the version commit, which is for ${c.versionFile} alone.`,
    hint: `Commit them, or take them back with 'git restore --staged':\n${listed(c.files)}`,
  }),
  CHECKOUT_DIRTY: (c: { files: readonly string[]; previousTag: string | undefined }): ErrorText => ({
    // With a nightly tag at HEAD the original ends with 1 as well; without one it went on, so refusing is new.
    kind: c.previousTag === undefined ? 'misuse' : 'failure',
    message: `The checkout has uncommitted changes in ${filesWord(c.files)}; a tag would not have them${
      c.previousTag === undefined ? '' : `, and whether anything changed since ${c.previousTag} cannot be said`
    }.`,
    hint: `Commit or remove them:\n${listed(c.files)}`,
  }),
  BRANCH_MISSING: (c: { version: string; branch: string; remote: string }): ErrorText => ({
    kind: 'failure',
    message: `The nightly ${c.version} belongs on the branch '${c.branch}', and the remote '${c.remote}' has no such branch.`,
    hint: `Push the branch first (git push ${c.remote} HEAD:refs/heads/${c.branch}), or use a version that is not a nightly.`,
  }),
  NOT_ON_BRANCH_HEAD: (c: {
    version: string;
    branch: string;
    head: string;
    tip: string;
    remote: string;
  }): ErrorText => ({
    kind: 'failure',
    message: `The nightly ${c.version} must be made from the head of '${c.branch}' on '${c.remote}', which is ${short(c.tip)}; checked out is ${short(c.head)}.`,
    hint: `Check out the head: git fetch ${c.remote} ${c.branch} && git checkout FETCH_HEAD\nA version that is not a nightly can be made from any commit.`,
  }),
  TAG_DIFFERS: (c: {
    tag: string;
    tagCommit: string;
    head: string;
    where: 'remote' | 'local';
    why: 'content' | 'branch';
  }): ErrorText => ({
    kind: 'failure',
    message: `The tag ${c.tag} exists already ${c.where === 'remote' ? 'on the remote' : 'in this clone (not on the remote)'} at ${short(c.tagCommit)} and ${
      c.why === 'content' ? 'its files are not those of' : 'does not follow the branch head, which is'
    } ${short(c.head)} checked out here.`,
    hint: `To see what differs: git diff ${short(c.tagCommit)} ${short(c.head)}\n${
      c.where === 'remote' ? 'Use another version.' : `If nobody needs that tag: git tag --delete ${c.tag}`
    }`,
  }),
  TAG_TAKEN: (c: { tag: string; commit: string; takenBy: string; sameTree: boolean }): ErrorText => ({
    kind: 'failure',
    message: `Another run pushed the tag ${c.tag} first, at ${short(c.takenBy)}; this run had made ${short(c.commit)} and pushed nothing.`,
    hint: c.sameTree
      ? 'Its files are the same: running the step again takes that tag.'
      : 'Its files are not the same: use another version.',
  }),
  BRANCH_MOVED: (c: { tag: string; branch: string; expected: string; tip: string }): ErrorText => ({
    kind: 'failure',
    message: `The branch '${c.branch}' moved from ${short(c.expected)} to ${short(c.tip)} while ${c.tag} was being made; nothing was pushed.`,
    hint: `Check out the new head of '${c.branch}' and run the step again.`,
  }),
  PUSH_REJECTED: (c: { refs: readonly { ref: string; summary: string }[]; output: string }): ErrorText => ({
    kind: 'failure',
    message: `The push was refused: ${c.refs.map(({ ref, summary }) => `${ref} ${summary}`).join('; ') || 'git gave no reason'}. Nothing was pushed, and this clone is as before.`,
    hint: `What git and the remote said:\n${c.output.trimEnd() || '(nothing)'}`,
  }),
  PUSH_FAILED: (c: { refs: readonly string[]; output: string }): ErrorText => ({
    kind: 'failure',
    message: `The push of ${c.refs.join(' and ')} did not come through, and this clone is as before.`,
    hint: `Check the address of the remote and the right to push, then run the step again. What git said:\n${c.output.trimEnd() || '(nothing)'}`,
  }),
  TAG_NOT_DELETED: (c: {
    tag: string;
    remote: string;
    expected: string;
    found: string;
    output: string;
  }): ErrorText => ({
    kind: 'failure',
    message:
      c.found === c.expected
        ? `The tag ${c.tag} could not be deleted on the remote '${c.remote}'.`
        : `The tag ${c.tag} is at ${short(c.found)} on the remote '${c.remote}', not at ${short(c.expected)}, and stays: somebody made it anew.`,
    hint: `Check the right to delete tags there. What git said:\n${c.output.trimEnd() || '(nothing)'}`,
  }),
  SUBMODULE_TAG_DIFFERS: (c: { submodule: string; tag: string; tagCommit: string; wanted: string }): ErrorText => ({
    kind: 'failure',
    message: `The submodule ${c.submodule} has the tag ${c.tag} already, at ${short(c.tagCommit)}; this version is to have ${short(c.wanted)} of it.`,
    hint: 'Leave out the ref to take what is tagged, use another version, or delete that tag if nobody needs it.',
  }),
  SUBMODULE_REF_UNKNOWN: (c: { submodule: string; ref: string }): ErrorText => ({
    kind: 'misuse',
    message: `The remote of the submodule ${c.submodule} has no branch, tag or commit '${c.ref}'.`,
    hint: 'Give a ref that is pushed.',
  }),
  SUBMODULE_NOT_RECORDED: (c: { submodule: string; path: string }): ErrorText => ({
    kind: 'misuse',
    message: `.gitmodules names the submodule ${c.submodule}, and the commit that is checked out records nothing at ${c.path}.`,
    hint: 'Commit the submodule, or take it out of .gitmodules.',
  }),
  SUBMODULE_PUSH_FAILED: (c: { submodule: string; tag: string; output: string }): ErrorText => ({
    kind: 'failure',
    message: `The tag ${c.tag} could not be pushed to the remote of the submodule ${c.submodule}; the tree was not tagged.`,
    hint: `Check the right to push there, then run the step again. What git said:\n${c.output.trimEnd() || '(nothing)'}`,
  }),
  SIGN_WITHOUT_KEY: (c: { version: string }): ErrorText => ({
    kind: 'misuse',
    message: `SIGN asks for a signed tag ${c.version}, and there is no key to sign it with.`,
    hint: 'Set SIGNER and SIGNING_KEY, or leave out SIGN.',
  }),
  TAG_SETTING_INVALID: (c: { setting: string; value: string; allowed: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `${c.setting} is '${c.value}'; it can be ${c.allowed.map((word) => `'${word}'`).join(', ')} or empty.`,
    hint: 'Empty asks the artifact cache.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
