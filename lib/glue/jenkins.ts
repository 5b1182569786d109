import type { Job, PipelineDefinition } from '../pipeline/index.ts';
import { CLEANUP_COMMAND, firstFolder, headerLines, isFirst, jobCommand, junitFiles, parametersOf } from './command.ts';
import type { Generator } from './types.ts';

/** In Groovy's single quotes nothing is replaced but the backslash and the quote itself. */
const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** Lines of a block, indented. */
const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];

/** All jobs of a step. */
type StepJobs = [Job, ...Job[]];

const axis = (name: string, values: readonly string[]): string[] =>
  block('axis', [`name ${quote(name)}`, `values ${[...new Set(values)].map(quote).join(', ')}`]);

/** The variables that a matrix has, with their values in the jobs; none for a step of one job. */
const axesOf = (jobs: StepJobs): { readonly name: string; readonly values: readonly string[] }[] => {
  const of = (name: string, value: (job: Job) => string | undefined) => {
    const values = jobs.map(value).filter((one) => one !== undefined);
    return values.length === 0 ? [] : [{ name, values }];
  };
  return [
    ...of('ARCH', ({ matrix }) => matrix.arch),
    ...of('FORMATS', ({ matrix }) => matrix.formats?.join(' ')),
    ...of('TEST', ({ matrix }) => matrix.test),
  ];
};

/** What a stage with a worker has besides its steps. */
const limits = ([job]: StepJobs, { workers, secrets }: PipelineDefinition): string[] => [
  `agent { label ${quote(workers.labels.join(' && '))} }`,
  ...block('options', [
    `timeout(time: ${job.timeoutMinutes}, unit: 'MINUTES')`,
    // A worker that was lost; a step that failed has tried again itself what is worth it.
    ...(job.retries > 0 ? [`retry(count: ${job.retries + 1}, conditions: [agent(), nonresumable()])`] : []),
  ]),
  ...(Object.keys(secrets).length === 0
    ? []
    : block(
        'environment',
        Object.keys(secrets).map((name) => `${name} = credentials(${quote(name)})`),
      )),
];

const work = (jobs: StepJobs, pipeline: PipelineDefinition): string[] => {
  const [job] = jobs;
  const words = [job.step, ...axesOf(jobs).map(({ name }) => `$${name}`)];
  const { folder } = pipeline.artifacts;
  const output = isFirst(job)
    ? [`script { env.PIPELINE_TAG = readFile(${quote(`${firstFolder(pipeline)}/PIPELINE_TAG`)}).trim() }`]
    : [];
  return [
    ...block('steps', [`sh ${quote(jobCommand(words))}`, ...output]),
    ...block(
      'post',
      block('always', [
        `junit testResults: ${quote(junitFiles(pipeline))}, allowEmptyResults: true`,
        `archiveArtifacts artifacts: ${quote(`${folder}/**`)}, allowEmptyArchive: true`,
        `sh ${quote(CLEANUP_COMMAND)}`,
      ]),
    ),
  ];
};

const stageOf = (jobs: StepJobs, pipeline: PipelineDefinition): string[] => {
  const [job] = jobs;
  const axes = axesOf(jobs);
  if (axes.length === 0)
    return block(`stage(${quote(job.step)})`, [...limits(jobs, pipeline), ...work(jobs, pipeline)]);
  return block(
    `stage(${quote(job.step)})`,
    block('matrix', [
      ...block(
        'axes',
        axes.flatMap(({ name, values }) => axis(name, values)),
      ),
      ...limits(jobs, pipeline),
      ...block('stages', block(`stage(${quote(`${job.step} of a kind`)})`, work(jobs, pipeline))),
    ]),
  );
};

/** A declarative Jenkinsfile. */
export const jenkins: Generator = {
  title: 'Jenkins',
  files({ pipeline, jobs }) {
    const { variants, seed, schedule, help } = parametersOf(pipeline);
    const header = [
      ...headerLines('jenkins', pipeline),
      `Credentials, by these ids: ${Object.entries(pipeline.secrets)
        .map(([name, kind]) => `${name} (Secret ${kind})`)
        .join(', ')}. All of them must exist.`,
    ];
    const stages = [...Map.groupBy(jobs, ({ step }) => step).values()] as StepJobs[];
    const body = block('pipeline', [
      'agent none',
      ...block('parameters', [
        `choice(name: 'PIPELINE_VARIANT', choices: [${variants.map(quote).join(', ')}], description: ${quote(help.variant)})`,
        `string(name: 'PIPELINE_VERSION', defaultValue: '', description: ${quote(help.version)})`,
        `string(name: 'PIPELINE_SEED', defaultValue: ${quote(seed)}, description: ${quote(help.seed)})`,
      ]),
      ...(schedule === undefined ? [] : block('triggers', [`cron(${quote(schedule)})`])),
      ...block('options', [
        'disableConcurrentBuilds()',
        `buildDiscarder(logRotator(daysToKeepStr: '${pipeline.artifacts.keepDays}'))`,
      ]),
      ...block(
        'stages',
        stages.flatMap((members) => stageOf(members, pipeline)),
      ),
    ]);
    return [{ path: 'Jenkinsfile', text: [...header.map((line) => `// ${line}`), ...body, ''].join('\n') }];
  },
};
