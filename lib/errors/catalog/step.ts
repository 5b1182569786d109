import { formatBytes } from '../../log/format.ts';
import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of the step runner and the steps themselves. */
export const stepErrors = {
  DISK_TOO_SMALL: (c: { folder: string; purpose: string; freeBytes: number; neededBytes: number }): ErrorText => ({
    kind: 'failure',
    message: `Not enough disk space for ${c.purpose} in ${c.folder}: ${formatBytes(c.freeBytes)} free, ${formatBytes(c.neededBytes)} needed.`,
    hint: 'Free some space (ci-cleanup.sh of earlier steps frees containers and images), then run the step again.',
  }),
  FORMATS_FAILED: (c: {
    failed: readonly string[];
    made: readonly string[];
    reasons: readonly string[];
  }): ErrorText => ({
    kind: 'failure',
    message: `${c.failed.length} of ${c.failed.length + c.made.length} formats failed: ${c.failed.join(', ')}.`,
    hint: [...c.reasons, c.made.length > 0 ? `Made and published: ${c.made.join(', ')}` : 'None was made.'].join('\n'),
  }),
  STEP_UNKNOWN: (c: { step: string; known: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `There is no step '${c.step}' to start from.`,
    hint: `The steps are: ${c.known.join(', ')}`,
  }),
  NIGHTLY_NOTHING_BUILT: (c: { step: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no earlier build to go on with from '${c.step}'.`,
    hint: "Run 'npm run nightly' without --from first.",
  }),
  STEP_NOT_IN_TREE: (c: { step: string; tree: string }): ErrorText => ({
    kind: 'misuse',
    message: `The description of ${c.tree} says nothing of what ${c.step} needs.`,
    hint: 'The step is for trees whose description in config/trees has that section.',
  }),
  OUTPUT_MISSING: (c: { what: string; file: string; command: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.command} ended well but left no ${c.what} at ${c.file}.`,
    hint: 'The entry point of the OS tree does not keep its contract; see config/trees for the names that are expected.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
