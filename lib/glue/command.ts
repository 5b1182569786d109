import { FIRST_STEP, type Job, type PipelineDefinition } from '../pipeline/index.ts';

/** Where Slipway is on a worker; the variable SLIPWAY says where else. Works in every POSIX shell. */
const JOB_SCRIPT = '"${SLIPWAY:-/opt/slipway}/ci-automation/job.ts"';

/** Frees what a job left that was killed; a job that ends by itself has done it. For the place where a CI runs something whatever happened. */
export const CLEANUP_COMMAND = `${JOB_SCRIPT} cleanup`;

/**
 * The one command of a job.
 *
 * @param words of a job, or with a CI's own variables in their place
 * @example jobCommand(['vms', 'amd64', '$FORMATS'])
 */
export const jobCommand = (words: readonly string[]): string => [JOB_SCRIPT, ...words].join(' ');

/** Jobs that differ only in the format group or the test: one job of the CI, with a matrix. */
export interface JobRow {
  /** For example `vms-amd64`. */
  readonly id: string;
  readonly jobs: readonly [Job, ...Job[]];
  /** Words of the command before those that the matrix has. */
  readonly words: readonly string[];
  /** What the matrix is over; undefined for a row of one job. */
  readonly over: 'formats' | 'test' | undefined;
  /** Ids of other rows. */
  readonly needs: readonly string[];
}

const rowId = ({ step, matrix }: Job): string => (matrix.arch === undefined ? step : `${step}-${matrix.arch}`);

/**
 * The jobs by step and arch, for CIs that have a matrix but cannot make one of its jobs wait for one of another's: the arches stay independent
 * of each other, the formats of an arch are a matrix.
 */
export const rowsOf = (jobs: readonly Job[]): JobRow[] =>
  [...Map.groupBy(jobs, rowId)].map(([id, row]) => {
    const [first, ...others] = row as [Job, ...Job[]];
    const { formats, test, arch } = first.matrix;
    const ids = row.flatMap(({ needs }) => needs);
    const needed = jobs.filter((job) => ids.includes(job.id)).map(rowId);
    return {
      id,
      jobs: [first, ...others],
      words: [first.step, ...(arch === undefined ? [] : [arch])],
      over: formats ? 'formats' : test === undefined ? undefined : 'test',
      needs: [...new Set(needed)],
    };
  });

/** The value that a job of a row has for what the row is over. */
export const matrixValue = ({ matrix }: Job): string => matrix.formats?.join(' ') ?? matrix.test ?? '';

/** What every generated file begins with, as lines without the sign of a comment. */
export const headerLines = (ci: string, { steps }: PipelineDefinition): string[] => [
  `Made by 'npm run glue -- ${ci}' from the definition of the pipeline; edit that and make it again.`,
  'A job is the checkout of the OS tree and one command. docs/for-ci.md of Slipway says what the command does, and how to wire it here.',
  `Steps: ${Object.keys(steps).join(', ')}.`,
];

/** Where the first job leaves what the others need, below the checkout: `pipeline.env` and `PIPELINE_TAG`. */
export const firstFolder = ({ artifacts }: PipelineDefinition): string => `${artifacts.folder}/${FIRST_STEP}`;

/** JUnit files of a job, below the checkout. */
export const junitFiles = ({ artifacts }: PipelineDefinition): string => `${artifacts.folder}/*/junit/*.xml`;

/** The parameters of a run. */
export const parametersOf = ({ variants, seed = '' }: PipelineDefinition) => {
  const names = Object.keys(variants);
  return {
    variants: names,
    /** What a run is that names none, for example one that a schedule starts. */
    variant: names[0] ?? '',
    seed,
    /** Five fields; undefined: nothing starts by itself. */
    schedule: Object.values(variants)[0]?.schedule,
    help: {
      variant: 'What to make',
      version: 'CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]; empty where the date makes the version',
      seed: 'The SDK to make a new SDK with',
    },
  };
};

/** Whether the job is the first one, whose output the others need. */
export const isFirst = (job: Job): boolean => job.step === FIRST_STEP;
