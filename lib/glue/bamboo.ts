import { dump } from 'js-yaml';
import type { Job, PipelineDefinition } from '../pipeline/index.ts';
import { CLEANUP_COMMAND, firstFolder, headerLines, isFirst, jobCommand, junitFiles, parametersOf } from './command.ts';
import type { Generator, GlueFacts } from './types.ts';

/** Where the variables of the first job's file are: `${bamboo.pipeline.PIPELINE_TAG}`. */
const NAMESPACE = 'pipeline';

/** Quartz, which Bamboo uses, begins with seconds and wants a `?` for one of the two kinds of days; its week begins with 1 on Sunday. */
const quartz = (cron: string): string => {
  const [minute, hour, day = '*', month, weekday = '*'] = cron.split(/\s+/);
  if (weekday === '*') return ['0', minute, hour, day, month, '?'].join(' ');
  const shifted = weekday.replace(/\d+(?!\/)/g, (number, at: number, all: string) =>
    all[at - 1] === '/' ? number : String((Number(number) % 7) + 1),
  );
  return ['0', minute, hour, '?', month, shifted].join(' ');
};

/** Keys of a plan, beside which its jobs stand. */
const RESERVED = [
  'version',
  'plan',
  'variables',
  'triggers',
  'stages',
  'repositories',
  'branches',
  'dependencies',
  'labels',
  'docker',
  'other',
];

/** The key of a job. */
const keyOf = ({ id }: Job): string => (RESERVED.includes(id) ? `${id}-job` : id);

const environmentOf = (job: Job): string =>
  [
    'PIPELINE_VARIANT=${bamboo.PIPELINE_VARIANT}',
    'PIPELINE_VERSION=${bamboo.PIPELINE_VERSION}',
    'PIPELINE_SEED=${bamboo.PIPELINE_SEED}',
    ...(isFirst(job) ? [] : [`PIPELINE_TAG=\${bamboo.${NAMESPACE}.PIPELINE_TAG}`]),
  ].join(' ');

const script = (command: string, environment?: string): object => ({
  script: { interpreter: 'shell', scripts: [command], ...(environment === undefined ? {} : { environment }) },
});

const jobOf = (job: Job, pipeline: PipelineDefinition): object => {
  const inject = {
    'inject-variables': { file: `${firstFolder(pipeline)}/pipeline.env`, scope: 'RESULT', namespace: NAMESPACE },
  };
  return {
    tasks: ['checkout', script(jobCommand(job.words), environmentOf(job)), ...(isFirst(job) ? [inject] : [])],
    'final-tasks': [
      { 'test-parser': { type: 'junit', 'ignore-time': true, 'test-results': [`**/${junitFiles(pipeline)}`] } },
      script(CLEANUP_COMMAND),
    ],
    artifacts: [{ name: job.id, location: pipeline.artifacts.folder, pattern: '**/*', shared: false, required: false }],
    requirements: [...pipeline.workers.labels],
    other: { 'hung-build-timeout-minutes': job.timeoutMinutes },
  };
};

const contentOf = ({ pipeline, jobs }: GlueFacts): object => {
  const { variant, seed, schedule } = parametersOf(pipeline);
  const stages = [...Map.groupBy(jobs, ({ step }) => step)];
  return {
    version: 2,
    plan: { 'project-key': 'OS', key: pipeline.name.replace(/[^a-z0-9]/g, '').toUpperCase(), name: pipeline.name },
    variables: { PIPELINE_VARIANT: variant, PIPELINE_VERSION: '', PIPELINE_SEED: seed },
    ...(schedule === undefined ? {} : { triggers: [{ cron: { expression: quartz(schedule) } }] }),
    stages: stages.map(([step, members]) => ({ [step]: { jobs: members.map(keyOf) } })),
    ...Object.fromEntries(jobs.map((job) => [keyOf(job), jobOf(job, pipeline)])),
  };
};

/** Bamboo Specs in YAML. Bamboo has no matrix: each arch and group of formats is a job. */
export const bamboo: Generator = {
  title: 'Bamboo',
  files(facts) {
    const header = [
      ...headerLines('bamboo', facts.pipeline),
      `Secrets (Bamboo administration > Global variables, or of the plan): ${Object.keys(facts.pipeline.secrets)
        .map((name) => `secret.${name}`)
        .join(', ')}`,
      "'requirements' are capabilities of agents: a custom one of that name.",
    ];
    const body = dump(contentOf(facts), { lineWidth: -1, noRefs: true });
    return [{ path: 'bamboo-specs/bamboo.yml', text: `${header.map((line) => `# ${line}\n`).join('')}---\n${body}` }];
  },
};
