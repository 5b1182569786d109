import { FIRST_STEP } from './faults.ts';
import type { PipelineDefinition } from './schema.ts';

/** What a job is one of several for. */
export interface MatrixValues {
  readonly arch?: string;
  /** Name of a group of formats. */
  readonly group?: string;
  /** The formats of the group. */
  readonly formats?: readonly string[];
  /** The format that is tested. */
  readonly test?: string;
}

/** One job of a run, whatever the CI: a checkout of the OS tree and `ci-automation/job.ts` with these words. */
export interface Job {
  /** For example `vms-amd64-clouds`; letters, digits, `_` and `-`. */
  readonly id: string;
  /** For example `vms`; `version` is the first job. */
  readonly step: string;
  readonly matrix: MatrixValues;
  /** After `job.ts`: the step and its matrix values, for example `['vms', 'amd64', 'azure', 'gce']`. */
  readonly words: readonly string[];
  /** Ids of the jobs that must have ended well. */
  readonly needs: readonly string[];
  readonly timeoutMinutes: number;
  /** How many more times a CI tries; safe for every step. */
  readonly retries: number;
  /** Variants in which it does something; in the others it ends well at once. */
  readonly variants: readonly string[];
}

const idOf = (step: string, { arch, group, test }: MatrixValues): string =>
  [step, arch, group, test]
    .filter((part) => part !== undefined)
    .join('-')
    .replace(/[^\w-]/g, '_');

/** The values of each dimension, in the order in which they come in a job's id. */
const valuesOf = (
  pipeline: PipelineDefinition,
  dimension: PipelineDefinition['steps'][string]['for'][number],
): MatrixValues[] => {
  if (dimension === 'arches') return pipeline.arches.map((arch) => ({ arch }));
  if (dimension === 'tests') return pipeline.tests.map((test) => ({ test }));
  return Object.entries(pipeline.formats).map(([group, formats]) => ({ group, formats }));
};

const combine = (pipeline: PipelineDefinition, step: PipelineDefinition['steps'][string]): MatrixValues[] =>
  step.for.reduce<MatrixValues[]>(
    (rows, dimension) => rows.flatMap((row) => valuesOf(pipeline, dimension).map((value) => ({ ...row, ...value }))),
    [{}],
  );

/** Whether two jobs are about the same thing, as far as both say: a test waits for the group that makes its format. */
const agree = (a: MatrixValues, b: MatrixValues): boolean => {
  const differs = (key: 'arch' | 'group' | 'test'): boolean =>
    a[key] !== undefined && b[key] !== undefined && a[key] !== b[key];
  const lacks = (test: string | undefined, formats: readonly string[] | undefined): boolean =>
    test !== undefined && formats !== undefined && !formats.includes(test);
  return (
    !differs('arch') && !differs('group') && !differs('test') && !lacks(a.test, b.formats) && !lacks(b.test, a.formats)
  );
};

/** The variants that a step is part of. */
export const variantsOf = ({ variants }: PipelineDefinition, step: string): string[] =>
  Object.entries(variants)
    .filter(([, { without }]) => !without.includes(step))
    .map(([name]) => name);

/** Steps in an order in which each comes after those that it needs. */
const inOrder = ({ steps }: PipelineDefinition): string[] => {
  const done: string[] = [];
  const visit = (step: string): void => {
    if (done.includes(step)) return;
    for (const need of steps[step]?.needs ?? []) visit(need);
    done.push(step);
  };
  for (const step of [FIRST_STEP, ...Object.keys(steps)]) visit(step);
  return done;
};

/**
 * The jobs of a pipeline, each after those that it needs. The same for every variant: a job that is not part of the run's variant, or has nothing
 * to build, ends well at once, so that no CI needs conditions.
 */
export const resolveJobs = (pipeline: PipelineDefinition): Job[] => {
  const jobs: Job[] = [];
  for (const name of inOrder(pipeline)) {
    const step = pipeline.steps[name];
    if (!step) continue;
    for (const matrix of combine(pipeline, step)) {
      const { arch, formats = [], test } = matrix;
      const needs = jobs
        .filter((job) => step.needs.includes(job.step) && agree(job.matrix, matrix))
        .map(({ id }) => id);
      jobs.push({
        id: idOf(name, matrix),
        step: name,
        matrix,
        words: [name, ...(arch === undefined ? [] : [arch]), ...formats, ...(test === undefined ? [] : [test])],
        needs,
        timeoutMinutes: step.timeoutMinutes,
        retries: step.retries,
        variants: variantsOf(pipeline, name),
      });
    }
  }
  return jobs;
};
