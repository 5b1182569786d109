import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactRecord } from '../cache/types.ts';
import type { ImageTraffic } from '../container/index.ts';
import { resultBeside } from '../recording/index.ts';
import type { StepSummary } from './definition.ts';

/** Format of the result file; counted up when a reader would have to change. */
export const RESULT_SCHEMA = 1;

/** What a step tells the world when it is over. */
export interface StepResult {
  readonly schema: typeof RESULT_SCHEMA;
  readonly step: string;
  readonly arguments: readonly string[];
  readonly outcome: 'done' | 'failed' | 'interrupted';
  readonly exitCode: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Commit that was checked out at the end. */
  readonly commit?: string;
  /** Artifacts that the step consumed, as verified. */
  readonly inputs: readonly ArtifactRecord[];
  /** Artifacts that the step published, and those that an earlier run had published already. */
  readonly outputs: readonly ArtifactRecord[];
  /** What container images cost on their ways, by cause, in bytes. */
  readonly traffic: readonly ImageTraffic[];
  /** Path in the cache of the statement on where the outputs are from. */
  readonly statement?: string;
  /** The file with everything that the step said, below the root of the OS tree; absent when it could not be written. */
  readonly events?: string;
  readonly summary?: StepSummary;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    /** What probably lies behind it, and what to do about that, when it is one of the known troubles. */
    readonly cause?: string;
    readonly fix?: string;
  };
}

/** Folder of the result files below the root of the OS tree; `__build__` is ignored by git there. */
export const RESULT_FOLDER = join('__build__', 'slipway');

/** Folder of the recorded events there, one file for each time that a step ran. */
export const EVENTS_FOLDER = join(RESULT_FOLDER, 'events');

/**
 * Writes the result file in one move, so that nobody reads half of it.
 *
 * @param root absolute path of the OS tree
 * @param name for example `image-amd64`
 * @param mask hides secrets, for example in the last words of a command that failed
 * @param recording absolute path of the events; a copy is laid beside them, because the next run of the step replaces the file
 * @returns its absolute path
 */
export const writeResult = async (
  root: string,
  name: string,
  result: StepResult,
  mask: (text: string) => string = (text) => text,
  recording?: string,
): Promise<string> => {
  const file = join(root, RESULT_FOLDER, `${name}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, mask(`${JSON.stringify(result, undefined, 2)}\n`));
  await rename(`${file}.new`, file);
  if (recording !== undefined) await copyFile(file, resultBeside(recording));
  return file;
};
