import { rmSync, statSync } from 'node:fs';
import { listRecordings } from './list.ts';
import { resultBeside } from './name.ts';

/** What is kept of old recordings. */
export interface RecordingLimits {
  readonly count: number;
  readonly bytes: number;
}

/** Some twenty runs of a pipeline, and no more than the log of one that went wild. */
const DEFAULT_LIMITS: RecordingLimits = { count: 120, bytes: 1024 ** 3 };

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Removes the oldest recordings of a folder with their results, so that with a new one there are no more than the limits say.
 *
 * @param folder absolute path
 */
export const pruneRecordings = (folder: string, { count, bytes }: RecordingLimits = DEFAULT_LIMITS): void => {
  let leftBytes = bytes;
  for (const [at, { file }] of listRecordings(folder).reverse().entries()) {
    leftBytes -= sizeOf(file);
    if (at < count - 1 && leftBytes > 0) continue;
    for (const old of [file, resultBeside(file)]) rmSync(old, { force: true });
  }
};
