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
  JOB_PARAMETER_INVALID: (c: {
    name: string;
    value: string;
    known: readonly string[];
    nearest?: string;
  }): ErrorText => ({
    kind: 'misuse',
    message: `${c.name} is '${c.value}'.${meant(c.nearest)}`,
    hint: `The definition of the pipeline knows: ${c.known.join(', ')}`,
  }),
  JOB_PARAMETER_MISSING: (c: { name: string; why: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.name} is not set, and ${c.why}.`,
    hint: 'Set it in the CI, or in the environment when a job is run by hand; docs/for-ci.md lists the parameters.',
  }),
  JOB_TAG_MISSING: (c: { tag: string }): ErrorText => ({
    kind: 'failure',
    message: `The tag ${c.tag} of this run is not on origin.`,
    hint: "The job 'version' pushes it first of all. Was it deleted since, or is origin another repository here than there?",
  }),
  CI_UNKNOWN: (c: { ci: string; known: readonly string[]; nearest?: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no glue for a CI named '${c.ci}'.${meant(c.nearest)}`,
    hint: `Known: ${c.known.join(', ')}. For any other one: a job is a checkout and one line, docs/for-ci.md.`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
