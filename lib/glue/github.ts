import { dump } from 'js-yaml';
import type { PipelineDefinition } from '../pipeline/index.ts';
import {
  CLEANUP_COMMAND,
  headerLines,
  isFirst,
  type JobRow,
  jobCommand,
  matrixValue,
  parametersOf,
  rowsOf,
} from './command.ts';
import type { Generator, GlueFacts } from './types.ts';

/** The only actions: what a job cannot do from inside. By commit, because tags can be moved. */
const ACTIONS = {
  checkout: { commit: 'actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683', version: 'v4.2.2' },
  upload: { commit: 'actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02', version: 'v4.6.2' },
} as const;

/** GitHub's names of contexts and outputs have no dots. */
const OUTPUT = 'PIPELINE_TAG';

/** GitHub stores texts; the job makes files of those that steps want as files. */
const secretsOf = ({ secrets }: PipelineDefinition): Record<string, string> =>
  Object.fromEntries(Object.keys(secrets).map((name) => [`TEXT_OF_${name}`, `\${{ secrets.${name} }}`]));

const stepsOf = (row: JobRow, pipeline: PipelineDefinition, first: string): object[] => {
  const [job] = row.jobs;
  const { over } = row;
  const words = over === undefined ? job.words : [...row.words, `$${over.toUpperCase()}`];
  const tag = isFirst(job) ? {} : { PIPELINE_TAG: `\${{ needs.${first}.outputs.tag }}` };
  const value = over === undefined ? {} : { [over.toUpperCase()]: `\${{ matrix.${over} }}` };
  const name = over === undefined ? row.id : `${row.id}-\${{ strategy.job-index }}`;
  return [
    // The first job compares with earlier builds.
    { uses: ACTIONS.checkout.commit, ...(isFirst(job) ? { with: { 'fetch-depth': 0 } } : {}) },
    { id: 'job', run: jobCommand(words), env: { ...tag, ...value, ...secretsOf(pipeline) } },
    {
      if: 'always()',
      uses: ACTIONS.upload.commit,
      with: {
        name,
        path: pipeline.artifacts.folder,
        'retention-days': pipeline.artifacts.keepDays,
        'if-no-files-found': 'ignore',
      },
    },
    { if: 'always()', run: CLEANUP_COMMAND },
  ];
};

const jobOf = (row: JobRow, pipeline: PipelineDefinition, first: string): object => {
  const [job] = row.jobs;
  const matrix = row.over === undefined ? {} : { [row.over]: row.jobs.map(matrixValue) };
  const firstJob = {
    permissions: { contents: 'write' },
    outputs: { tag: `\${{ steps.job.outputs.${OUTPUT} }}` },
  };
  return {
    ...(isFirst(job) ? firstJob : { needs: [...new Set([first, ...row.needs])] }),
    'runs-on': ['self-hosted', ...pipeline.workers.labels],
    'timeout-minutes': job.timeoutMinutes,
    ...(row.over === undefined ? {} : { strategy: { 'fail-fast': false, matrix } }),
    steps: stepsOf(row, pipeline, first),
  };
};

const contentOf = ({ pipeline, jobs }: GlueFacts): object => {
  const { variants, variant, seed, schedule, help } = parametersOf(pipeline);
  const rows = rowsOf(jobs);
  const first = rows[0]?.id ?? '';
  return {
    name: pipeline.name,
    on: {
      ...(schedule === undefined ? {} : { schedule: [{ cron: schedule }] }),
      workflow_dispatch: {
        inputs: {
          variant: { description: help.variant, type: 'choice', options: variants, default: variant },
          version: { description: help.version, type: 'string', default: '' },
          seed: { description: help.seed, type: 'string', default: seed },
        },
      },
    },
    permissions: { contents: 'read' },
    // Two runs at once would both tag the head of the branch.
    concurrency: { group: pipeline.name, 'cancel-in-progress': false },
    env: {
      PIPELINE_VARIANT: `\${{ inputs.variant || '${variant}' }}`,
      PIPELINE_VERSION: '${{ inputs.version }}',
      PIPELINE_SEED: `\${{ inputs.seed || '${seed}' }}`,
    },
    jobs: Object.fromEntries(rows.map((row) => [row.id, jobOf(row, pipeline, first)])),
  };
};

/** A workflow for GitHub Actions. */
export const github: Generator = {
  title: 'GitHub Actions',
  files(facts) {
    const { name, secrets } = facts.pipeline;
    const header = [
      ...headerLines('github', facts.pipeline),
      `Secrets (Settings > Secrets and variables > Actions), as texts: ${Object.keys(secrets).join(', ')}`,
    ];
    const body = Object.values(ACTIONS).reduce(
      (text, { commit, version }) => text.replaceAll(commit, `${commit} # ${version}`),
      dump(contentOf(facts), { lineWidth: -1, noRefs: true }),
    );
    return [{ path: `.github/workflows/${name}.yml`, text: `${header.map((line) => `# ${line}\n`).join('')}${body}` }];
  },
};
