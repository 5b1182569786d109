import type { Job, PipelineDefinition } from '../pipeline/index.ts';

/** What glue is made of. */
export interface GlueFacts {
  readonly pipeline: PipelineDefinition;
  /** Each after those that it needs. */
  readonly jobs: readonly Job[];
}

/** One file of a CI. */
export interface GlueFile {
  /** Where the CI looks for it in the OS tree, for example `.github/workflows/os-image.yml`. */
  readonly path: string;
  readonly text: string;
}

/** Makes the files of one CI. They call `ci-automation/job.ts` and decide nothing. */
export interface Generator {
  /** For people, for example `GitLab CI`. */
  readonly title: string;
  /** The first file is the one that is printed. */
  files(facts: GlueFacts): readonly GlueFile[];
}
