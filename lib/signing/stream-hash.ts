import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Transform } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { groupByCost, type HashedFile } from './hash-file.ts';
import type { Algorithm, Digests } from './types.ts';

const BLOCK_BYTES = 1024 * 1024;
/** Filled and not yet digested by all: what the slowest thread may lag behind. */
const BLOCKS = 8;

/** Digests bytes as they come, with several algorithms at once. */
export interface StreamHasher<A extends Algorithm> {
  /** Takes bytes, which may be used again when this returns; waits while the threads are behind. */
  write(bytes: Buffer): Promise<void>;
  /** To be called once, after the last bytes. */
  digest(): Promise<HashedFile<A>>;
  /** Ends the threads; to be called in any case. */
  stop(): Promise<void>;
}

/** Threads that all digest the same blocks of shared memory. */
const startThreads = (groups: readonly (readonly Algorithm[])[], blocks: readonly SharedArrayBuffer[]) => {
  // The first one is filled already.
  const free = blocks.map((_, block) => block).slice(1);
  const users = new Map<number, number>();
  const waiting: (() => void)[] = [];
  let failure: Error | undefined;
  const wake = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  const workers = groups.map((algorithms) => {
    const worker = new Worker(new URL('./stream-hash-worker.mjs', import.meta.url), {
      workerData: { algorithms, blocks },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    const digests = new Promise<readonly string[]>((resolve, reject) => {
      worker.on('message', (said: { readonly block?: number; readonly digests?: readonly string[] }) => {
        if (said.digests) resolve(said.digests);
        if (said.block === undefined) return;
        const left = (users.get(said.block) ?? 1) - 1;
        users.set(said.block, left);
        if (left > 0) return;
        free.push(said.block);
        wake();
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`A thread that digests ended with code ${code}.`)));
    });
    digests.catch((error: Error) => {
      failure ??= error;
      wake();
    });
    return { worker, algorithms, digests };
  });
  return {
    workers,
    /** A block that nobody reads any more. */
    async take(): Promise<number> {
      for (;;) {
        if (failure) throw failure;
        const block = free.pop();
        if (block !== undefined) return block;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    send(block: number, length: number): void {
      users.set(block, workers.length);
      for (const { worker } of workers) worker.postMessage({ block, length });
    },
  };
};

/**
 * Digests a stream with threads of its own, a group of algorithms each. What fits into one block is digested here, because threads would cost
 * more than they save.
 *
 * @param algorithms at least one
 */
export const createStreamHasher = <A extends Algorithm>(algorithms: readonly A[]): StreamHasher<A> => {
  const blocks = Array.from({ length: BLOCKS }, () => new SharedArrayBuffer(BLOCK_BYTES));
  const memory = blocks.map((block) => Buffer.from(block));
  let threads: ReturnType<typeof startThreads> | undefined;
  /** The block that is being filled; the first one before there are threads. */
  let current = 0;
  let filled = 0;
  let sizeBytes = 0;

  const passOn = async (): Promise<void> => {
    threads ??= startThreads(groupByCost(algorithms, Math.max(2, availableParallelism())), blocks);
    threads.send(current, filled);
    current = await threads.take();
    filled = 0;
  };
  return {
    async write(bytes) {
      sizeBytes += bytes.length;
      for (let at = 0; at < bytes.length; ) {
        const taken = bytes.copy(memory[current] as Buffer, filled, at);
        at += taken;
        filled += taken;
        if (filled === BLOCK_BYTES) await passOn();
      }
    },
    async digest() {
      const rest = memory[current]?.subarray(0, filled) ?? Buffer.alloc(0);
      if (!threads) {
        const pairs = algorithms.map((name) => [name, createHash(name).update(rest).digest('hex')] as const);
        return { digests: Object.fromEntries(pairs) as Digests<A>, sizeBytes };
      }
      if (filled > 0) threads.send(current, filled);
      for (const { worker } of threads.workers) worker.postMessage({});
      const groups = await Promise.all(
        threads.workers.map(async (one) => ({ names: one.algorithms, digests: await one.digests })),
      );
      const pairs = groups.flatMap(({ names, digests }) => names.map((name, at) => [name, digests[at]] as const));
      return { digests: Object.fromEntries(pairs) as Digests<A>, sizeBytes };
    },
    async stop() {
      await Promise.all((threads?.workers ?? []).map(({ worker }) => worker.terminate()));
    },
  };
};

/** A stream that passes everything on and digests it on the way. */
export const hashingStream = ({ write }: Pick<StreamHasher<Algorithm>, 'write'>): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, next) {
      write(chunk).then(
        () => next(null, chunk),
        (error: Error) => next(error),
      );
    },
  });
