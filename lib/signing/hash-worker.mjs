// Plain JavaScript, because a thread that has to strip types first costs 20 MB more and starts later.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Digests one file with some algorithms.
 *
 * @param {{ file: string, algorithms: string[] }} job
 */
const hash = ({ file, algorithms }) => {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const handle = openSync(file, 'r');
  let sizeBytes = 0;
  try {
    for (let count = readSync(handle, buffer); count > 0; count = readSync(handle, buffer)) {
      const chunk = buffer.subarray(0, count);
      for (const one of hashes) one.update(chunk);
      sizeBytes += count;
    }
  } finally {
    closeSync(handle);
  }
  return { digests: hashes.map((one) => one.digest('hex')), sizeBytes };
};

// A thread of its own may block: synchronous reads are the fastest there.
parentPort?.postMessage(hash(workerData));
