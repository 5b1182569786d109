// Plain JavaScript, because a thread that has to strip types first costs 20 MB more and starts later.
import { hash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { zstdDecompressSync } from 'node:zlib';

// What zlib decompresses into is new memory each time. Left to itself V8 looks for what can go when tens of megabytes have come together, through all that
// the thread has loaded; what came last can be found in a hundredth of that time.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const BLOCKS_BETWEEN = 2;
let blocks = 0;

// A thread of its own may block: the synchronous ways take the least time.
parentPort?.on('message', ({ number, frame, options, bases, room }) => {
  try {
    const dictionary = bases.length > 1 ? Buffer.concat(bases) : bases[0];
    const raw = zstdDecompressSync(frame, dictionary ? { ...options, dictionary } : options);
    raw.copy(Buffer.from(room));
    parentPort?.postMessage({ number, id: hash('sha256', raw), rawBytes: raw.length });
  } catch (error) {
    parentPort?.postMessage({ number, problem: /** @type {Error} */ (error).message });
  }
  blocks += 1;
  if (blocks % BLOCKS_BETWEEN === 0) collect({ type: 'minor' });
});
