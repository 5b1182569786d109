import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of local patches. */
export const patchErrors = {
  PATCH_DOES_NOT_APPLY: (c: { file: string; output: string }): ErrorText => ({
    kind: 'failure',
    message: `The local patch ${c.file} does not apply to what is checked out; the checkout is as before.`,
    hint: `Make it again on this version (git format-patch), or remove it. What git said:\n${c.output.trimEnd() || '(nothing)'}`,
  }),
  PATCH_INDEX_DIRTY: (c: { file: string; files: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `The local patch ${c.file} cannot be applied while changes are staged: ${c.files.join(', ')}.`,
    hint: "Commit them, or take them back with 'git restore --staged'.",
  }),
  PATCH_SESSION_OPEN: (c: { file: string; folder: string }): ErrorText => ({
    kind: 'failure',
    message: `The local patch ${c.file} cannot be applied: a 'git am' of other patches is not finished in ${c.folder}.`,
    hint: "End it with 'git am --continue' or 'git am --abort'.",
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
