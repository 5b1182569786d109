import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { slipwayError } from '../errors/index.ts';

const positive = v.pipe(
  v.number(),
  v.minValue(0),
  v.check((value) => value > 0, 'must be more than 0'),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const most = (value: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(value));
const part = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const hour = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23));
const names = v.optional(v.array(v.string()), []);

/** The container images of a run. */
export const IMAGES = ['sdk', 'packages'] as const;

/** `cache-figures.json`. */
export const figuresSchema = v.object({
  plainBytes: v.object({ sdk: positive, packages: positive }),
  stored: v.object({ first: part, touched: part, userland: part, kernel: part }),
  downloaded: v.object({ builtYesterday: part }),
});

/** What the benchmark of the cache measured. */
export type CacheFigures = v.InferOutput<typeof figuresSchema>;

const job = v.strictObject({
  minutes: v.pipe(v.number(), v.minValue(0)),
  needs: names,
  each: v.optional(v.literal('arches')),
  /** Of the last nightly. */
  before: names,
  reads: names,
  writes: names,
});

const scenario = v.strictObject({
  workers: most(100_000),
  sites: v.optional(most(1000), 1),
  arches: v.optional(most(10), 1),
  nightlies: count,
  pullRequests: v.pipe(v.number(), v.minValue(0)),
});

const jobs = v.record(v.string(), job);

/** `simulate.yaml`; the comments of config/simulate.yaml say what each part is. */
export const parametersSchema = v.strictObject({
  seed: count,
  days: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1000)),
  lines: v.strictObject({ worker: positive, server: positive, site: positive, mirror: positive }),
  files: v.record(v.string(), positive),
  runs: v.strictObject({ nightly: jobs, pull_request: jobs }),
  nightlyHour: hour,
  working: v.strictObject({ from: hour, to: hour, part }),
  kernelEveryNights: most(1000),
  keepNights: most(1000),
  keepPullRequestDays: most(1000),
  scenarios: v.pipe(v.array(scenario), v.minLength(1)),
});

/** What is assumed. */
export type Parameters = v.InferOutput<typeof parametersSchema>;

/** One job of a run. */
export type JobParameters = v.InferOutput<typeof job>;

/** A size of the whole. */
export type Scenario = v.InferOutput<typeof scenario>;

const faultOf = (issue: v.BaseIssue<unknown>): string => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`;

/** Rules over more than one place. */
const ruleFaults = ({ runs, files, working }: Parameters): string[] => {
  const faults = working.from < working.to ? [] : ['working: from must be before to'];
  const known = [...IMAGES, ...Object.keys(files)];
  for (const [run, jobsOfRun] of Object.entries(runs)) {
    const earlier = new Set<string>();
    const written = new Set<string>();
    for (const [name, { needs, before, reads, writes }] of Object.entries(jobsOfRun)) {
      const where = `runs.${run}.${name}`;
      for (const need of needs) if (!earlier.has(need)) faults.push(`${where}.needs: no job '${need}' before this one`);
      for (const what of [...before, ...reads, ...writes])
        if (!known.includes(what)) faults.push(`${where}: '${what}' is neither an image nor one of 'files'`);
      for (const what of reads)
        if (!written.has(what)) faults.push(`${where}.reads: no job before this one writes '${what}'`);
      earlier.add(name);
      for (const what of writes) written.add(what);
    }
  }
  return faults;
};

const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw slipwayError('SIMULATE_FILE_INVALID', { file, faults: [error.message] }, error);
  });

const readData = async (file: string): Promise<unknown> => {
  const text = await readText(file);
  try {
    return load(text);
  } catch (error) {
    throw slipwayError('SIMULATE_FILE_INVALID', { file, faults: [(error as Error).message] }, error);
  }
};

/**
 * @param file absolute path
 * @throws SIMULATE_FILE_INVALID with every fault
 */
export const readParameters = async (file: string): Promise<Parameters> => {
  const checked = v.safeParse(parametersSchema, await readData(file));
  const faults = checked.success ? ruleFaults(checked.output) : checked.issues.map(faultOf);
  if (!checked.success || faults.length > 0) throw slipwayError('SIMULATE_FILE_INVALID', { file, faults });
  return checked.output;
};

/** @throws SIMULATE_FILE_INVALID */
export const checkFigures = (data: unknown, file: string): CacheFigures => {
  const checked = v.safeParse(figuresSchema, data);
  if (checked.success) return checked.output;
  throw slipwayError('SIMULATE_FILE_INVALID', { file, faults: checked.issues.map(faultOf) });
};

/** Reads any JSON or YAML. @throws SIMULATE_FILE_INVALID */
export const readFiguresFile = readData;
