// Plain JavaScript, because a thread that has to strip types first costs 20 MB more and starts later.
import { closeSync, createReadStream, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { createGunzip } from 'node:zlib';
import { openInside } from './open-inside.mjs';
import { readTarSplit } from './tar-split.mjs';

const BUFFER_BYTES = 256 * 1024;
const PIECE_BYTES = 256 * 1024;

/** @type {{ tarSplitFile: string, folder: string, ahead: number }} */
const { tarSplitFile, folder, ahead } = workerData;

/** Buffers that may be sent before the reader has taken one. */
let credits = ahead;
/** @type {() => void} */
let wake = () => undefined;
parentPort?.on('message', () => {
  credits += 1;
  wake();
});

// Nothing of it goes back to a pool: it is handed over.
let buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
let filled = 0;

const send = async () => {
  while (credits === 0) {
    await new Promise((resolve) => {
      wake = () => resolve(undefined);
    });
  }
  credits -= 1;
  parentPort?.postMessage({ data: buffer.buffer, bytes: filled }, [buffer.buffer]);
  buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  filled = 0;
};

/** @param {Buffer} segment */
const addSegment = async (segment) => {
  for (let at = 0; at < segment.length; ) {
    const copied = segment.copy(buffer, filled, at);
    at += copied;
    filled += copied;
    if (filled === BUFFER_BYTES) await send();
  }
};

/**
 * @param {number} file
 * @param {number} sizeBytes
 */
const addFile = async (file, sizeBytes) => {
  try {
    // A thread of its own may block: synchronous reads are the fastest there.
    for (let left = sizeBytes; left > 0; ) {
      const count = readSync(file, buffer, filled, Math.min(left, BUFFER_BYTES - filled), null);
      if (count === 0) throw new Error(`a file of ${sizeBytes} bytes ended ${left} bytes early`);
      left -= count;
      filled += count;
      if (filled === BUFFER_BYTES) await send();
    }
  } finally {
    closeSync(file);
  }
};

const assemble = async () => {
  const open = openInside(folder);
  const compressed = createReadStream(tarSplitFile, { highWaterMark: PIECE_BYTES });
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  compressed.once('error', (error) => gunzip.destroy(error));
  for await (const part of readTarSplit(compressed.pipe(gunzip))) {
    if ('segment' in part) await addSegment(part.segment);
    else await addFile(open(part.name, part.sizeBytes), part.sizeBytes);
  }
  if (filled > 0) await send();
};

assemble().then(
  () => parentPort?.postMessage({ end: true }),
  (error) => parentPort?.postMessage({ reason: String(error?.message ?? error) }),
);
