import { FIRST_STEP, type Job, type PipelineDefinition } from '../pipeline/index.ts';
import { MASTER_CODE } from './buildbot-code.ts';
import { CLEANUP_COMMAND, headerLines, jobCommand } from './command.ts';
import type { Generator, GlueFacts } from './types.ts';

/** A value of plain data as Python writes it. */
const python = (value: unknown): string => {
  if (value === undefined || value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${python(key)}: ${python(entry)}`)
      .join(', ')}}`;
  }
  // What JSON escapes in a text, Python reads in the same way.
  return JSON.stringify(value);
};

/** A list or a dictionary, one entry a line. */
const pythonLines = (name: string, value: readonly unknown[] | Readonly<Record<string, unknown>>): string[] => {
  const isList = Array.isArray(value);
  const entries = isList
    ? value.map(python)
    : Object.entries(value).map(([key, entry]) => `${python(key)}: ${python(entry)}`);
  return [`${name} = ${isList ? '[' : '{'}`, ...entries.map((entry) => `    ${entry},`), isList ? ']' : '}'];
};

/** Jobs in rows: those of a row run at the same time, after those of the row before. */
const inRows = (jobs: readonly Job[]): string[][] => {
  const levels = new Map<string, number>();
  for (const { id, needs } of jobs) levels.set(id, Math.max(-1, ...needs.map((need) => levels.get(need) ?? -1)) + 1);
  const rows: string[][] = [];
  for (const [id, level] of levels) rows[level] = [...(rows[level] ?? []), id];
  return rows;
};

/** Neighbours that are all of some arch, or all of none. */
const segmentsOf = (jobs: readonly Job[]): Job[][] => {
  const segments: Job[][] = [];
  for (const job of jobs) {
    const last = segments.at(-1);
    const isLike = (last?.[0]?.matrix.arch === undefined) === (job.matrix.arch === undefined);
    if (last && isLike) last.push(job);
    else segments.push([job]);
  }
  return segments;
};

/** A builder that starts others, and the names of those that it starts, in rows. */
type Stages = Record<string, string[][]>;

/** The arches do not wait for each other: each has a builder of its own that starts its jobs. */
const stagesOf = ({ name, arches }: PipelineDefinition, jobs: readonly Job[]): Stages => {
  const whole: string[][] = [];
  const stages: Stages = { [name]: whole };
  for (const [number, segment] of segmentsOf(jobs).entries()) {
    if (segment[0]?.matrix.arch === undefined) {
      whole.push(...inRows(segment));
      continue;
    }
    const parts = arches.map((arch) => {
      // The second time that arches come, after jobs that waited for all of them.
      const part = name + (stages[`${name}-${arch}`] ? `-${arch}-${number}` : `-${arch}`);
      stages[part] = inRows(segment.filter(({ matrix }) => matrix.arch === arch));
      return part;
    });
    whole.push(parts);
  }
  return stages;
};

const CRON_NAMES = ['minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'] as const;

/** Cron counts the days of the week from Sunday, Buildbot from Monday; its numbers become a list. */
const daysOfWeek = (field: string): string | number[] => {
  if (field === '*') return field;
  const days = field.split(',').flatMap((part) => {
    const [, from = '0', to = from, every = '1'] = /^(\d+|\*)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const [first, last] = from === '*' ? [0, 6] : [Number(from), Number(to)];
    return Array.from({ length: last - first + 1 }, (_, at) => first + at).filter(
      (day) => (day - first) % Number(every) === 0,
    );
  });
  return [...new Set(days.map((day) => (day + 6) % 7))].sort((a, b) => a - b);
};

const scheduleOf = (cron: string): Record<string, unknown> => {
  const fields = cron.trim().split(/\s+/);
  return Object.fromEntries(
    CRON_NAMES.map((name, at) => {
      const field = fields[at] ?? '*';
      return [name, name === 'dayOfWeek' ? daysOfWeek(field) : field];
    }),
  );
};

const dataOf = ({ pipeline, jobs }: GlueFacts): string[] => {
  const { variants, seed = '', secrets, artifacts } = pipeline;
  const rows = jobs.map(({ id, words, timeoutMinutes, retries }) => ({
    name: id,
    command: jobCommand(words),
    minutes: timeoutMinutes,
    retries,
  }));
  const schedules = Object.entries(variants).flatMap(([name, { schedule }]) =>
    schedule === undefined ? [] : [[name, scheduleOf(schedule)]],
  );
  return [
    `PIPELINE = ${python(pipeline.name)}`,
    `FIRST = ${python(FIRST_STEP)}`,
    `CLEANUP = ${python(CLEANUP_COMMAND)}`,
    `VARIANTS = ${python(Object.keys(variants))}`,
    `SEED = ${python(seed)}`,
    `ARTIFACTS = ${python(artifacts.folder)}`,
    `KEEP_DAYS = ${python(artifacts.keepDays)}`,
    '# Names of files in the folder secrets; a job gets what is there, the content of files as TEXT_OF_NAME.',
    `SECRETS = ${python(secrets)}`,
    '# When which variant is started; days of the week are counted from Monday.',
    ...pythonLines('SCHEDULES', Object.fromEntries(schedules)),
    '',
    ...pythonLines('JOBS', rows),
    '',
    '# Builders that start others, in rows: what stands together runs at the same time, on whatever workers are free.',
    ...pythonLines('STAGES', stagesOf(pipeline, jobs)),
  ];
};

/** What a site has to say; the generated file has no name of a machine in it. */
const EXAMPLE_SITE = {
  repository: 'ssh://git@git.example.org/os-tree.git',
  branch: 'main',
  workers: ['worker-1', 'worker-2'],
  port: 9989,
  url: 'https://buildbot.example.org/',
  environment: { SLIPWAY: '/opt/slipway', BUILDCACHE_SERVER: 'cache.example.org' },
};

/** `master.cfg` of Buildbot 3, which reads `site.json` and the folder `secrets` beside it. */
export const buildbot: Generator = {
  title: 'Buildbot',
  files(facts) {
    const lines = [
      ...headerLines('buildbot', facts.pipeline).map((line) => `# ${line}`),
      '#',
      '# Beside it: site.json (site.example.json shows all that may be in it) and secrets/, a folder with one file for each secret, mode 0600:',
      '# those named in SECRETS, as far as they are used; worker-NAME, the password of that worker; run, the password of those who start runs by hand:',
      `#   buildbot sendchange --master=MASTER:PORT --auth=run:PASSWORD --who=ME --vc=git --category=run --property=PIPELINE_VARIANT:${Object.keys(facts.pipeline.variants).at(-1) ?? ''} --property=PIPELINE_VERSION:VERSION version`,
      MASTER_CODE.head,
      ...dataOf(facts),
      MASTER_CODE.body,
    ];
    return [
      { path: 'master.cfg', text: lines.join('\n') },
      { path: 'site.example.json', text: `${JSON.stringify(EXAMPLE_SITE, undefined, 2)}\n` },
    ];
  },
};
