import { dump } from 'js-yaml';
import type { PipelineDefinition } from '../pipeline/index.ts';
import {
  firstFolder,
  headerLines,
  isFirst,
  type JobRow,
  jobCommand,
  junitFiles,
  matrixValue,
  parametersOf,
  rowsOf,
} from './command.ts';
import type { Generator, GlueFacts } from './types.ts';

/** Failures of the infrastructure. A step that failed has tried again itself what is worth it, and fails in the same way another time. */
const RETRIED = [
  'runner_system_failure',
  'stuck_or_timeout_failure',
  'scheduler_failure',
  'data_integrity_failure',
  'api_failure',
];

const matrixOf = ({ over, jobs }: JobRow): object => {
  if (over === undefined) return {};
  const name = over.toUpperCase();
  return { parallel: { matrix: [{ [name]: jobs.map(matrixValue) }] } };
};

const jobOf = (row: JobRow, pipeline: PipelineDefinition, first: string): object => {
  const { artifacts } = pipeline;
  const [job] = row.jobs;
  // Only the first job's output travels; what else a job left is for people.
  const needs = [...new Set([...(isFirst(job) ? [] : [first]), ...row.needs])];
  const words = row.over === undefined ? job.words : [...row.words, `$${row.over.toUpperCase()}`];
  const dotenv = isFirst(job) ? { dotenv: `${firstFolder(pipeline)}/pipeline.env` } : {};
  return {
    stage: job.step,
    ...(needs.length > 0 ? { needs: needs.map((need) => ({ job: need, artifacts: need === first })) } : {}),
    ...matrixOf(row),
    timeout: `${job.timeoutMinutes} minutes`,
    ...(job.retries > 0 ? { retry: { max: job.retries, when: RETRIED } } : {}),
    script: [jobCommand(words)],
    artifacts: {
      when: 'always',
      paths: [`${artifacts.folder}/`],
      expire_in: `${artifacts.keepDays} days`,
      reports: { ...dotenv, junit: junitFiles(pipeline) },
    },
  };
};

const variablesOf = (pipeline: PipelineDefinition): object => {
  const { variants, variant, seed, help } = parametersOf(pipeline);
  return {
    PIPELINE_VARIANT: { value: variant, options: variants, description: help.variant },
    PIPELINE_VERSION: { value: '', description: help.version },
    PIPELINE_SEED: { value: seed, description: help.seed },
  };
};

const contentOf = ({ pipeline, jobs }: GlueFacts): object => {
  const rows = rowsOf(jobs);
  const first = rows[0]?.id ?? '';
  return {
    // A push starts nothing: the first job pushes, too.
    workflow: {
      name: `${pipeline.name} $PIPELINE_VARIANT $PIPELINE_VERSION`,
      rules: ['schedule', 'web', 'api', 'trigger', 'pipeline'].map((source) => ({
        if: `$CI_PIPELINE_SOURCE == "${source}"`,
      })),
    },
    stages: [...new Set(jobs.map(({ step }) => step))],
    default: { tags: [...pipeline.workers.labels] },
    variables: variablesOf(pipeline),
    ...Object.fromEntries(rows.map((row) => [row.id, jobOf(row, pipeline, first)])),
  };
};

/** `.gitlab-ci.yml`. Secrets are CI/CD variables, files of type File, and need no line here; schedules are made in GitLab. */
export const gitlab: Generator = {
  title: 'GitLab CI',
  files(facts) {
    const { secrets } = facts.pipeline;
    const { schedule } = parametersOf(facts.pipeline);
    const header = [
      ...headerLines('gitlab', facts.pipeline),
      ...(schedule === undefined ? [] : [`Schedule (Build > Pipeline schedules): ${schedule}`]),
      `Secrets (Settings > CI/CD > Variables): ${Object.entries(secrets)
        .map(([name, kind]) => `${name} (${kind === 'file' ? 'File' : 'Variable'})`)
        .join(', ')}`,
    ];
    const body = dump(contentOf(facts), { lineWidth: -1, noRefs: true });
    return [{ path: '.gitlab-ci.yml', text: `${header.map((line) => `# ${line}\n`).join('')}${body}` }];
  },
};
