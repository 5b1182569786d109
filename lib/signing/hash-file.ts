import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Algorithm, Digests } from './types.ts';

/** Below this a thread costs more than it saves. */
const THREAD_FROM_BYTES = 16 * 1024 * 1024;

/** Nanoseconds per byte, roughly; only the proportions matter, to share the algorithms among threads. */
const COST: Readonly<Record<Algorithm, number>> = {
  md5: 1.54,
  sha1: 0.53,
  sha256: 0.55,
  sha512: 1.1,
};

/** A file's digests and how long it is. */
export interface HashedFile<A extends Algorithm> {
  readonly digests: Digests<A>;
  readonly sizeBytes: number;
}

/** Shares algorithms among at most `threads` groups so that each has about the same work. */
export const groupByCost = <A extends Algorithm>(algorithms: readonly A[], threads: number): A[][] => {
  const groups = Array.from({ length: Math.min(threads, algorithms.length) }, () => ({ cost: 0, members: [] as A[] }));
  for (const algorithm of algorithms.toSorted((a, b) => COST[b] - COST[a])) {
    const lightest = groups.reduce((a, b) => (b.cost < a.cost ? b : a));
    lightest.members.push(algorithm);
    lightest.cost += COST[algorithm];
  }
  return groups.map((group) => group.members);
};

interface HashJob {
  readonly file: string;
  readonly algorithms: readonly string[];
}

interface Hashed {
  readonly digests: readonly string[];
  readonly sizeBytes: number;
}

const hashInline = async ({ file, algorithms }: HashJob, signal: AbortSignal | undefined): Promise<Hashed> => {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    for (const hash of hashes) hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { digests: hashes.map((hash) => hash.digest('hex')), sizeBytes };
};

const hashInThread = (job: HashJob, signal: AbortSignal | undefined): Promise<Hashed> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./hash-worker.mjs', import.meta.url), {
      workerData: job,
      // Next to nothing is on its heap.
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    const stop = (): void => {
      void worker.terminate();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', stop);
      reject(new Error(`The thread that digests ${job.file} ended with code ${code} and without a result.`));
    });
  });

/** How a file is digested. */
export type HashFile = typeof hashFile;

/**
 * Digests each file once, under however many names and links it comes, as long as it does not change. For one set of files: what is
 * asked of a file should be asked with the same algorithms.
 *
 * @param given all digests of files (by absolute path) that were digested while they were written; counts if the length is still that
 */
export const createFileHasher = (given: ReadonlyMap<string, HashedFile<Algorithm>> = new Map()): HashFile => {
  const known = new Map<string, Promise<HashedFile<Algorithm>>>();
  return async (file, algorithms, options) => {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    const made = given.get(file);
    if (made !== undefined && BigInt(made.sizeBytes) === size) return made;
    const key = [dev, ino, size, mtimeNs, ...algorithms].join(' ');
    const hashed = known.get(key) ?? hashFile<Algorithm>(file, algorithms, options);
    known.set(key, hashed);
    return hashed as Promise<HashedFile<(typeof algorithms)[number]>>;
  };
};

/**
 * Computes several digests of a file while reading it once; large files with a thread per group of algorithms.
 *
 * @param file absolute path
 * @param algorithms at least one
 * @returns the digests, and how many bytes they cover
 * Throws what the file system throws, and `signal.reason` when aborted.
 */
export const hashFile = async <A extends Algorithm>(
  file: string,
  algorithms: readonly A[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<HashedFile<A>> => {
  const { signal } = options;
  signal?.throwIfAborted();
  const isLarge = (await stat(file)).size >= THREAD_FROM_BYTES;
  const groups = isLarge ? groupByCost(algorithms, Math.max(2, availableParallelism())) : [[...algorithms]];
  const hash = isLarge ? hashInThread : hashInline;
  const parts = await Promise.all(
    groups.map(async (group) => ({ group, result: await hash({ file, algorithms: group }, signal) })),
  );
  const pairs = parts.flatMap(({ group, result }) => group.map((name, at) => [name, result.digests[at]] as const));
  return { digests: Object.fromEntries(pairs) as Digests<A>, sizeBytes: parts[0]?.result.sizeBytes ?? 0 };
};
