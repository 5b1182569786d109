import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../lib/log/index.ts';
import { FIRST_STEP, type PipelineDefinition } from '../../lib/pipeline/index.ts';
import { createRunner, type Runner } from '../../lib/process/index.ts';
import type { Interruption, StepIo } from '../../lib/step/index.ts';
import { makeNightlyVersion } from '../../lib/version/index.ts';
import { tellOutput } from './adaptors.ts';
import { checkoutTag, completeHistory } from './checkout.ts';
import { endOf, type JobEnd, nothingToDo } from './end.ts';
import { argumentsOf, type JobRequest, NOTHING_TO_BUILD } from './request.ts';
import { runStep, type StepEnd } from './run-step.ts';

/** What a job works with. */
export interface JobIo {
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

/** Does what the job is for: decides the version of the run, or runs a step in a checkout of it. */
export const workOn = async (job: JobIo, request: JobRequest): Promise<JobEnd> => {
  const { step, variant, variantName, tag } = request;
  if (step === FIRST_STEP) return decideVersion(job, request);
  if (variant.without.includes(step)) return nothingToDo(`The variant ${variantName} is without ${step}.`);
  if (tag === undefined || tag === NOTHING_TO_BUILD) return nothingToDo('Nothing changed since the last build.');
  await job.lock(request.matrix.arch);
  await checkoutTag(runnerOf(job), job.log, tag);
  return { ...endOf(await call(job, step, argumentsOf(job.pipeline, request))), tag };
};
