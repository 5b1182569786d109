#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * One job of a CI, in one command: checks out the version of the run, runs the step, keeps what is worth keeping in one folder, writes a summary,
 * and frees what the step left. What it does is in the definition of the pipeline; a CI only has to call it.
 *
 * Needs: the CI's checkout of the OS tree, with an `origin` that can be read, and written by the first job.
 */
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodeOf, SlipwayError, slipwayError } from '../lib/errors/index.ts';
import type { Log } from '../lib/log/index.ts';
import {
  FIRST_STEP,
  findPipelineFile,
  type PipelineDefinition,
  readPipeline,
  resolveJobs,
} from '../lib/pipeline/index.ts';
import { createRunner, type Runner } from '../lib/process/index.ts';
import {
  type Interruption,
  openLog,
  parseCommandLine,
  reportError,
  type StepIo,
  watchSignals,
} from '../lib/step/index.ts';
import { makeNightlyVersion } from '../lib/version/index.ts';
import { tellOutput, tellSummary } from './job/adaptors.ts';
import { checkoutTag, completeHistory } from './job/checkout.ts';
import { runCleanup } from './job/cleanup.ts';
import { type Collected, collectArtifacts } from './job/collect.ts';
import { lockEngine, type Release } from './job/engine-lock.ts';
import { argumentsOf, type JobRequest, NOTHING_TO_BUILD, parseJobRequest } from './job/request.ts';
import { runStep, type StepEnd } from './job/run-step.ts';
import { withSecretFiles } from './job/secrets.ts';
import { formatSummary, type JobFacts } from './job/summary.ts';
import { processIo } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const HELP = `job: runs one job of the pipeline for a CI

Usage: job.ts [--pipeline FILE] ${FIRST_STEP}
       job.ts [--pipeline FILE] STEP [ARCH [FORMAT...]]
       job.ts cleanup
  ${FIRST_STEP}            decide the version of the run and tag it; the tag is PIPELINE_TAG for all other jobs
  STEP               a step of the pipeline, in a checkout of that tag
  cleanup            free what a job left that was killed; nothing to do otherwise
  --pipeline FILE    the definition; default pipeline.yaml in this folder, else config/pipeline.yaml of Slipway

Environment: PIPELINE_VARIANT, PIPELINE_VERSION and PIPELINE_SEED are the parameters of a run; PIPELINE_TAG is what the first job tagged, or
'${NOTHING_TO_BUILD}' when nothing changed: then a job ends well at once. TEXT_OF_NAME is the content of a secret NAME that steps want as a file.

Exit codes: those of the step
`;

/** A place for the log of the job: where the CI reads it, and in the folder of artifacts. */
interface JobOutput {
  /** Absolute. */
  readonly folder: string;
  readonly io: StepIo;
  close(): Promise<void>;
}

/** Most file systems have names of 255 bytes. */
const MAX_NAME = 120;

/** Each job has a folder of its own, because some CIs keep what all jobs left in one place: the id of the job, or its words. */
const folderOf = (pipeline: PipelineDefinition, words: readonly string[]): string => {
  const job = resolveJobs(pipeline).find((one) => one.words.join(' ') === words.join(' '));
  return (
    job?.id ??
    words
      .join('-')
      .replace(/[^\w.-]/g, '_')
      .slice(0, MAX_NAME)
  );
};

/** Starts with an empty folder: a checkout that a CI keeps has the one of an earlier job. */
const openOutput = async (io: StepIo, { artifacts }: PipelineDefinition, name: string): Promise<JobOutput> => {
  await rm(join(io.cwd, artifacts.folder), { recursive: true, force: true });
  const folder = join(io.cwd, artifacts.folder, name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'log.txt');
  let written = Promise.resolve();
  const write = (text: string): void => {
    io.stderr.write(text);
    written = written.then(() => appendFile(file, text));
  };
  await writeFile(file, '');
  return { folder, io: { ...io, stderr: { ...io.stderr, write } }, close: () => written };
};

/** How a job ended, whatever it was. */
interface JobEnd extends StepEnd {
  readonly outcome: JobFacts['outcome'];
  readonly reason?: string;
  readonly hint?: string;
  readonly tag?: string;
}

const nothingToDo = (reason: string): JobEnd => ({ exitCode: 0, outcome: 'nothing to do', reason, result: undefined });

const endOf = ({ exitCode, result }: StepEnd): JobEnd => {
  const outcome = result?.outcome ?? (exitCode === 0 ? 'done' : 'failed');
  const { message, hint } = result?.error ?? {};
  return { exitCode, result, outcome, reason: message, hint };
};

/** The first job: a version by the variant's rule, and its tag. */
const decideVersion = async (job: JobIo, request: JobRequest): Promise<JobEnd> => {
  const { variant, version } = request;
  await completeHistory(runnerOf(job));
  const wanted = version ?? makeNightlyVersion({ now: job.io.now() }).text;
  job.log.info(`The version of this run: ${wanted}`);
  const end = endOf(await call(job, variant.tag, [wanted]));
  if (end.exitCode !== 0) return end;
  const isUnchanged = end.result?.summary?.outcome === 'unchanged';
  const tag = isUnchanged ? NOTHING_TO_BUILD : wanted;
  await writeFile(join(job.folder, 'pipeline.env'), `PIPELINE_TAG=${tag}\n`);
  await writeFile(join(job.folder, 'PIPELINE_TAG'), tag);
  await tellOutput(job.io.env, 'PIPELINE_TAG', tag);
  if (!isUnchanged) return { ...end, tag };
  return { ...end, outcome: 'nothing to do', reason: String(end.result?.summary?.reason ?? 'nothing changed') };
};

/** What a job works with. */
interface JobIo {
  readonly io: StepIo;
  readonly log: Log;
  /** Of the step and of git; secrets that came as texts are files. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; of the artifacts. */
  readonly folder: string;
  readonly pipeline: PipelineDefinition;
  /** Keeps other jobs of this machine from the containers of the arch, until this one has freed its own. */
  readonly lock: (arch: string | undefined) => Promise<void>;
  /** Of the job as a whole; a step is sent the signal itself. */
  readonly interruption: Interruption;
}

const runnerOf = ({ io, env, log, interruption }: JobIo): Runner =>
  createRunner({ cwd: io.cwd, env, log, signal: interruption.signal });

/** Runs a step script, unless the job was told to stop before. */
const call = ({ io, env, interruption }: JobIo, step: string, args: readonly string[]): Promise<StepEnd> => {
  interruption.signal.throwIfAborted();
  return runStep(step, args, { cwd: io.cwd, env, onSignal: io.onSignal, stderr: (text) => io.stderr.write(text) });
};

const work = async (job: JobIo, request: JobRequest): Promise<JobEnd> => {
  const { step, variant, variantName, tag } = request;
  if (step === FIRST_STEP) return decideVersion(job, request);
  if (variant.without.includes(step)) return nothingToDo(`The variant ${variantName} is without ${step}.`);
  if (tag === undefined || tag === NOTHING_TO_BUILD) return nothingToDo('Nothing changed since the last build.');
  await job.lock(request.matrix.arch);
  await checkoutTag(runnerOf(job), job.log, tag);
  return { ...endOf(await call(job, step, argumentsOf(job.pipeline, request))), tag };
};

const failedBy = (log: Log, error: unknown): JobEnd => {
  reportError(log, error);
  const hint = error instanceof SlipwayError ? error.hint : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const outcome = error instanceof SlipwayError && error.code === 'INTERRUPTED' ? 'interrupted' : 'failed';
  return { exitCode: exitCodeOf(error), outcome, reason, hint, result: undefined };
};

const MAX_REPORT_BYTES = 64 * 1024;

/** The Markdown among the reports, as far as it is for a page. */
const readReports = async (folder: string, { reports = [] }: Collected): Promise<string[]> => {
  const texts = await Promise.all(
    reports.filter((path) => path.endsWith('.md')).map((path) => readFile(join(folder, path), 'utf8')),
  );
  return texts.filter((text) => Buffer.byteLength(text) <= MAX_REPORT_BYTES);
};

/** After the step, whatever became of it; what fails here does not change the outcome. */
const finish = async (job: JobIo, title: string, end: JobEnd, startedMs: number): Promise<void> => {
  const { io, log, folder, pipeline } = job;
  try {
    const place = { root: io.cwd, target: folder, sinceMs: startedMs };
    const collected = await collectArtifacts(pipeline.artifacts, place);
    const durationMs = io.now().getTime() - startedMs;
    const summary = log.mask(
      formatSummary({ title, durationMs, tag: end.tag, ...end, reports: await readReports(folder, collected) }),
    );
    await writeFile(join(folder, 'summary.md'), summary);
    await tellSummary(io.env, summary);
  } catch (error) {
    log.warn(`What the job leaves for the CI is not complete: ${(error as Error).message}`);
  }
};

const runJob = async (io: StepIo, pipeline: PipelineDefinition, words: readonly string[]): Promise<number> => {
  const startedMs = io.now().getTime();
  const output = await openOutput(io, pipeline, folderOf(pipeline, words));
  const secretsFolder = await mkdtemp(join(io.env.TMPDIR || tmpdir(), 'slipway-job-'));
  // A signal between two programs must not end the job without its cleanup.
  const interruption = watchSignals(io.onSignal);
  const log = openLog(output.io, false, []);
  let release: Release | undefined;
  try {
    const env = await withSecretFiles(pipeline, io.env, secretsFolder);
    const lock = async (arch: string | undefined): Promise<void> => {
      release = await lockEngine(arch, env, { log, signal: interruption.signal });
    };
    const job: JobIo = { io: output.io, log, env, folder: output.folder, pipeline, interruption, lock };
    await runCleanup(io.cwd, env, log);
    let end: JobEnd;
    try {
      const request = parseJobRequest(pipeline, words, io.env);
      end = await work(job, request);
      if (end.outcome === 'nothing to do') log.info(`Nothing to do: ${end.reason}`);
    } catch (error) {
      end = failedBy(log, interruption.received() === undefined ? error : interruption.signal.reason);
    }
    await finish(job, words.join(' '), end, startedMs);
    await runCleanup(io.cwd, env, log);
    return end.exitCode;
  } finally {
    interruption.close();
    await release?.();
    await rm(secretsFolder, { recursive: true, force: true });
    await output.close();
  }
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async ({ log }) => {
    const line = parseCommandLine(io.argv, 'job', [{ flag: '--pipeline', value: 'FILE', help: '' }]);
    const { positionals, flags } = line;
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    // What a step would take; here it would be lost without a word.
    const other = line.plan
      ? '--plan'
      : line.json
        ? '--json'
        : Object.keys(flags).find((flag) => flag !== '--pipeline');
    if (other !== undefined) throw slipwayError('FLAG_UNKNOWN', { flag: other, step: 'job' });
    if (positionals.join(' ') === 'cleanup') {
      await runCleanup(io.cwd, io.env, log);
      return 0;
    }
    const pipeline = await readPipeline(await findPipelineFile(io.cwd, flags['--pipeline']));
    return await runJob(io, pipeline, positionals);
  });

if (import.meta.main) process.exitCode = await main(await processIo());
