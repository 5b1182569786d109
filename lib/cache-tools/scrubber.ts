import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createPackWalker, type WalkedBlock } from '../dedup/index.ts';
import { isSlipwayError } from '../errors/index.ts';
import type { CacheTools } from './types.ts';

/** What to read. */
export interface ScrubJob {
  /** Absolute path, when the cache is a folder of this machine. */
  readonly file?: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly algorithm: 'sha256' | 'sha512';
  readonly isPack: boolean;
}

/** What was read. */
export interface ScrubAnswer {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Of a pack. */
  readonly blocks?: readonly WalkedBlock[];
  /** Why the blocks could not be followed. */
  readonly fault?: string;
}

/** Reads whole files, several at once; undefined for one that is gone. */
export interface Scrubber {
  readonly atOnce: number;
  read(job: ScrubJob): Promise<ScrubAnswer | undefined>;
  close(): Promise<void>;
}

const RANGE_BYTES = 8 * 1024 * 1024;

/** Of a server: by ranges, so that nothing is stored here. */
const createRemoteScrubber = ({ store, signal }: CacheTools): Scrubber => ({
  atOnce: 4,
  async read({ path, sizeBytes, algorithm, isPack }) {
    const hash = createHash(algorithm);
    const walker = isPack ? createPackWalker(path) : undefined;
    let fault: string | undefined;
    const attempt = <Value>(work: () => Value): Value | undefined => {
      try {
        return fault === undefined ? work() : undefined;
      } catch (error) {
        fault = (error as Error).message;
        return undefined;
      }
    };
    try {
      for (let offset = 0; offset < sizeBytes; offset += RANGE_BYTES) {
        signal?.throwIfAborted();
        const bytes = await store.readRange(path, offset, Math.min(RANGE_BYTES, sizeBytes - offset));
        hash.update(bytes);
        attempt(() => walker?.write(bytes));
      }
    } catch (error) {
      if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) return undefined;
      throw error;
    }
    const blocks = attempt(() => walker?.end());
    return { digest: hash.digest('hex'), sizeBytes, blocks, fault };
  },
  close: async () => {},
});

type Reply = { readonly answer?: ScrubAnswer; readonly code?: string };

const ask = (worker: Worker, job: ScrubJob): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const onMessage = (reply: Reply): void => {
      forget();
      resolve(reply);
    };
    const onError = (error: unknown): void => {
      forget();
      reject(error);
    };
    const onExit = (code: number): void => onError(new Error(`The thread that read ${job.path} ended: ${code}.`));
    const forget = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(job);
  });

/** Of a folder: with a thread per processor. */
const createLocalScrubber = (dir: string, signal: AbortSignal | undefined): Scrubber => {
  const atOnce = Math.max(2, availableParallelism());
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const take = (): Worker => {
    const known = idle.pop();
    if (known) return known;
    const worker = new Worker(new URL('./scrub-worker.ts', import.meta.url));
    all.push(worker);
    return worker;
  };
  return {
    atOnce,
    async read(job) {
      signal?.throwIfAborted();
      const worker = take();
      const { answer, code } = await ask(worker, { ...job, file: join(dir, job.path) });
      idle.push(worker);
      if (answer || code === 'ENOENT') return answer;
      throw Object.assign(new Error(`${job.path} cannot be read (${code})`), { code });
    },
    close: async () => {
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
};

/** Makes a reader of whole files; never more than `atOnce` at a time. */
export const createScrubber = (tools: CacheTools): Scrubber =>
  tools.localDir === undefined ? createRemoteScrubber(tools) : createLocalScrubber(tools.localDir, tools.signal);
