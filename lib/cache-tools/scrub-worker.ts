import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
// Not by the ability's door, which would load all of it into each thread.
import { createPackWalker } from '../dedup/format/pack-walk.ts';
import type { ScrubAnswer, ScrubJob } from './scrubber.ts';

const CHUNK_BYTES = 1024 * 1024;
const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);

/** Reads a file once, and digests it on the way. A thread of its own may block: synchronous reads are the fastest there. */
const scrub = ({ file, path, algorithm, isPack }: ScrubJob): ScrubAnswer => {
  const hash = createHash(algorithm);
  let walker = isPack ? createPackWalker(path) : undefined;
  let fault: string | undefined;
  let sizeBytes = 0;
  const attempt = <Value>(work: () => Value): Value | undefined => {
    try {
      return work();
    } catch (error) {
      fault = (error as Error).message;
      walker = undefined;
      return undefined;
    }
  };
  const handle = openSync(file as string, 'r');
  try {
    for (let count = readSync(handle, buffer); count > 0; count = readSync(handle, buffer)) {
      const chunk = buffer.subarray(0, count);
      hash.update(chunk);
      attempt(() => walker?.write(chunk));
      sizeBytes += count;
    }
  } finally {
    closeSync(handle);
  }
  const blocks = attempt(() => walker?.end());
  return { digest: hash.digest('hex'), sizeBytes, blocks, fault };
};

parentPort?.on('message', (job: ScrubJob) => {
  try {
    parentPort?.postMessage({ answer: scrub(job) });
  } catch (error) {
    parentPort?.postMessage({ code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' });
  }
});
