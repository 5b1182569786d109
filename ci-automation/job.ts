#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/**
 * One job of a CI, in one command: checks out the version of the run, runs the step, keeps what is worth keeping in one folder, writes a summary,
 * and frees what the step left. What it does is in the definition of the pipeline; a CI only has to call it.
 *
 * Needs: the CI's checkout of the OS tree, with an `origin` that can be read, and written by the first job.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { slipwayError } from '../lib/errors/index.ts';
import { FIRST_STEP, findPipelineFile, type PipelineDefinition, readPipeline } from '../lib/pipeline/index.ts';
import { openLog, parseCommandLine, reportError, type StepIo, watchSignals } from '../lib/step/index.ts';
import { runCleanup } from './job/cleanup.ts';
import { failedBy, type JobEnd } from './job/end.ts';
import { lockEngine, type Release } from './job/engine-lock.ts';
import { finishJob } from './job/finish.ts';
import { openOutput } from './job/output.ts';
import { NOTHING_TO_BUILD, parseJobRequest } from './job/request.ts';
import { withSecretFiles } from './job/secrets.ts';
import { type JobIo, workOn } from './job/work.ts';
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

const runJob = async (io: StepIo, pipeline: PipelineDefinition, words: readonly string[]): Promise<number> => {
  const startedMs = io.now().getTime();
  const output = await openOutput(io, pipeline, words);
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
      end = await workOn(job, request);
      if (end.outcome === 'nothing to do') log.info(`Nothing to do: ${end.reason}`);
    } catch (error) {
      const seen = interruption.received() === undefined ? error : interruption.signal.reason;
      reportError(log, seen);
      end = failedBy(seen);
    }
    await finishJob(job, words.join(' '), end, startedMs);
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
