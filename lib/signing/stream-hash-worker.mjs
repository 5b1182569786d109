// Plain JavaScript, because a thread that has to strip types first costs 20 MB more and starts later.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

/** @type {{ algorithms: string[], blocks: SharedArrayBuffer[] }} */
const { algorithms, blocks } = workerData;
const hashes = algorithms.map((algorithm) => createHash(algorithm));
const bytes = blocks.map((block) => Buffer.from(block));

// A block's number and how much of it is filled, as often as one is full; without a block: that was all.
parentPort?.on('message', ({ block, length }) => {
  if (block === undefined) {
    parentPort?.postMessage({ digests: hashes.map((hash) => hash.digest('hex')) });
    parentPort?.close();
    return;
  }
  const part = bytes[block].subarray(0, length);
  for (const hash of hashes) hash.update(part);
  parentPort?.postMessage({ block });
});
