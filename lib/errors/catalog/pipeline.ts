import type { ErrorText } from '../slipway-error.ts';

const meant = (name: string | undefined): string => (name ? ` Did you mean '${name}'?` : '');

/** Texts of the errors of the pipeline's definition, its jobs and the glue for CIs. */
export const pipelineErrors = {
  PIPELINE_UNREADABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The definition of the pipeline ${c.file} cannot be read: ${c.reason}.`,
    hint: "Check the path given by --pipeline; without it the OS tree's pipeline.yaml counts, or Slipway's own.",
  }),
  PIPELINE_INVALID: (c: { file: string; faults: readonly string[] }): ErrorText => ({
    kind: 'misuse',
    message: `The definition of the pipeline in ${c.file} has ${c.faults.length === 1 ? 'a fault' : `${c.faults.length} faults`}.`,
    hint: c.faults.join('\n'),
  }),
  CI_UNKNOWN: (c: { ci: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no glue for a CI named '${c.ci}'.${meant(c.nearest)}`,
    hint: `Known: ${c.known.join(', ')}. For any other one: a job is a checkout and one line, docs/for-ci.md.`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
