import { dump } from 'js-yaml';
import type { Job, PipelineDefinition } from '../pipeline/index.ts';
import { headerLines, isFirst, parametersOf } from './command.ts';
import type { Generator, GlueFacts } from './types.ts';

const TASK = 'slipway-job';
/** The Kubernetes secret whose keys have the names of the definition's secrets. */
const SECRET = 'slipway';
const TREE = '/workspace/tree';

const parameter = (name: string, description: string, fallback?: string): object => ({
  name,
  type: 'string',
  description,
  ...(fallback === undefined ? {} : { default: fallback }),
});

const runParameters = (pipeline: PipelineDefinition): object[] => {
  const { variant, seed, help } = parametersOf(pipeline);
  return [
    parameter('url', 'Where the OS tree is cloned from; the first job also pushes there'),
    parameter('revision', 'Branch of the OS tree', 'main'),
    parameter('variant', help.variant, variant),
    parameter('version', help.version, ''),
    parameter('seed', help.seed, seed),
  ];
};

const environmentOf = ({ secrets }: PipelineDefinition): object[] => [
  { name: 'PIPELINE_VARIANT', value: '$(params.variant)' },
  { name: 'PIPELINE_VERSION', value: '$(params.version)' },
  { name: 'PIPELINE_SEED', value: '$(params.seed)' },
  { name: 'PIPELINE_TAG', value: '$(params.tag)' },
  { name: 'PIPELINE_TAG_FILE', value: '$(results.tag.path)' },
  ...Object.keys(secrets).map((name) => ({
    name: `TEXT_OF_${name}`,
    valueFrom: { secretKeyRef: { name: SECRET, key: name, optional: true } },
  })),
];

/** One job: the clone, and the one command with its words as arguments. */
const taskOf = (pipeline: PipelineDefinition): object => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'Task',
  metadata: { name: TASK },
  spec: {
    description: `One job of the pipeline ${pipeline.name}`,
    params: [
      { name: 'words', type: 'array', description: 'The step and what it is for' },
      parameter('tag', 'What the first job tagged', ''),
      ...runParameters(pipeline),
    ],
    results: [{ name: 'tag', type: 'string', description: 'Of the first job: the tag that the others build' }],
    steps: [
      {
        name: 'checkout',
        image: pipeline.workers.container,
        command: ['git'],
        args: ['clone', '--branch', '$(params.revision)', '--', '$(params.url)', TREE],
      },
      {
        name: 'job',
        image: pipeline.workers.container,
        workingDir: TREE,
        env: environmentOf(pipeline),
        command: ['/opt/slipway/ci-automation/job.ts'],
        args: ['$(params.words[*])'],
      },
    ],
  },
});

const pass = (names: readonly string[]): object[] => names.map((name) => ({ name, value: `$(params.${name})` }));

const pipelineTask = (job: Job, first: string): object => {
  const tag = isFirst(job) ? [] : [{ name: 'tag', value: `$(tasks.${first}.results.tag)` }];
  return {
    name: nameOf(job.id),
    taskRef: { name: TASK },
    // The first one is waited for because its result is used.
    ...(isFirst(job) ? {} : { runAfter: job.needs.map(nameOf) }),
    ...(job.retries > 0 ? { retries: job.retries } : {}),
    timeout: `${job.timeoutMinutes}m`,
    params: [
      { name: 'words', value: [...job.words] },
      ...tag,
      ...pass(['url', 'revision', 'variant', 'version', 'seed']),
    ],
  };
};

/** Kubernetes' names have no underscores. */
const nameOf = (id: string): string => id.replaceAll('_', '-').toLowerCase();

const pipelineOf = ({ pipeline, jobs }: GlueFacts): object => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'Pipeline',
  metadata: { name: pipeline.name },
  spec: {
    params: runParameters(pipeline),
    results: [
      {
        name: 'tag',
        type: 'string',
        description: "The version that was built; 'none' when nothing had changed",
        value: `$(tasks.${nameOf(jobs[0]?.id ?? '')}.results.tag)`,
      },
    ],
    tasks: jobs.map((job) => pipelineTask(job, nameOf(jobs[0]?.id ?? ''))),
  },
});

/** A Task and a Pipeline for Tekton. The arches and groups of formats are tasks: a matrix of Tekton cannot be waited for in parts. */
export const tekton: Generator = {
  title: 'Tekton',
  files(facts) {
    const { schedule } = parametersOf(facts.pipeline);
    const header = [
      ...headerLines('tekton', facts.pipeline),
      `Secrets: the keys of the Kubernetes secret '${SECRET}': ${Object.keys(facts.pipeline.secrets).join(', ')}`,
      ...(schedule === undefined ? [] : [`Tekton has no schedules: let a CronJob create a PipelineRun at ${schedule}`]),
    ];
    const documents = [taskOf(facts.pipeline), pipelineOf(facts)].map((one) =>
      dump(one, { lineWidth: -1, noRefs: true }),
    );
    return [
      {
        path: 'tekton/pipeline.yaml',
        text: `${header.map((line) => `# ${line}\n`).join('')}${documents.join('---\n')}`,
      },
    ];
  },
};
