import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PipelineDefinition, resolveJobs } from '../../lib/pipeline/index.ts';
import type { StepIo } from '../../lib/step/index.ts';

/** A place for the log of the job: where the CI reads it, and in the folder of artifacts. */
export interface JobOutput {
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

/**
 * Opens the output of a job. Starts with an empty folder: a checkout that a CI keeps has the one of an earlier job.
 *
 * @param words as the job was called, for example `vms`, `amd64`, `azure`
 */
export const openOutput = async (
  io: StepIo,
  pipeline: PipelineDefinition,
  words: readonly string[],
): Promise<JobOutput> => {
  const { artifacts } = pipeline;
  await rm(join(io.cwd, artifacts.folder), { recursive: true, force: true });
  const folder = join(io.cwd, artifacts.folder, folderOf(pipeline, words));
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
