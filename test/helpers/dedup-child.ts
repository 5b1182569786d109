import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createStore, type Patience, type StoreSettings } from '../../lib/cache/index.ts';
import { createChunkStore, type FetchedBytes, type PublishedBytes } from '../../lib/dedup/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { changeFile, layerOf, makeFiles, makeTar, streamedLayer, type TestImage } from './dedup-images.ts';
import { collectWarnings, fetchImage, publishImage } from './dedup-world.ts';

/** An image that a process of its own makes again from these few numbers. */
export interface ImageRecipe {
  readonly name: string;
  readonly version: string;
  readonly files: number;
  readonly seed?: string;
  /** Number of the file that differs from the one in the image without. */
  readonly changed?: number;
  /** Instead of files: a layer of so many files of 4 MiB that is never in memory as a whole. */
  readonly streamed?: number;
  /** Which build of these files it is; default 1. */
  readonly build?: number;
}

/** What the process does. */
export interface ChildJob {
  readonly settings: StoreSettings;
  readonly image: ImageRecipe;
  readonly action: 'publish' | 'fetch';
  /** For what is on its way. */
  readonly spool: string;
  readonly chunkDir?: string;
  readonly limitBytes?: number;
  readonly patience?: Patience;
  /** It kills itself with SIGKILL before this change below the folder of a local cache. */
  readonly killAt?: number;
  readonly rounds?: number;
  /** It interrupts itself when so many bytes of the layers have passed. */
  readonly abortAfterBytes?: number;
}

/** What the process says of itself at its end. */
export interface ChildReport {
  readonly bytes?: PublishedBytes | FetchedBytes;
  /** How often it changed a file. */
  readonly changes: number;
  /** Its largest resident set, in bytes. */
  readonly peakBytes: number;
  readonly error?: { readonly code?: string; readonly name: string; readonly message: string };
  /** From the interruption to the end of the work. */
  readonly endedAfterMs?: number;
  /** Descriptors of regular files that were open at the end. */
  readonly openFiles: readonly string[];
  readonly warnings: readonly string[];
}

/** Makes the image. @param round the images of later rounds have other contents */
export const imageOf = async (recipe: ImageRecipe, round = 0): Promise<TestImage> => {
  const { name, files, changed, streamed, build } = recipe;
  const [seed = 'root', version] =
    round === 0 ? [recipe.seed, recipe.version] : [`r${round}`, `${recipe.version}.${round}`];
  if (streamed !== undefined) return { name, version, layers: [await streamedLayer(streamed, build)] };
  const all = makeFiles(files, seed);
  return { name, version, layers: [layerOf(makeTar(changed === undefined ? all : changeFile(all, changed)))] };
};

/** Starts a process of its own. @param command put before it, e.g. to run it in a network namespace */
export const startChild = (job: ChildJob, command: readonly string[] = []) => {
  const node = [process.execPath, '--no-warnings', '--unhandled-rejections=strict'];
  const script = join(import.meta.dirname, 'dedup-child.ts');
  const [program = '', ...args] = [...command, ...node, script, JSON.stringify(job)];
  // As lib/setup/run-step.sh starts the steps.
  const env = { PATH: process.env.PATH, MALLOC_MMAP_THRESHOLD_: '5242880' };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    const report = out.trim() === '' ? undefined : (JSON.parse(out) as ChildReport);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, report, errors };
  });
  return { child, ended };
};

/** Runs it to its end, which must be a good one. */
export const runChild = async (job: ChildJob, command: readonly string[] = []): Promise<ChildReport> => {
  const { code, report, errors } = await startChild(job, command).ended;
  if (code !== 0 || !report) throw new Error(`The child ended with ${code}: ${errors}`);
  return report;
};

let changes = 0;

/** Counts what changes a file or a folder, and dies in time. */
const countChanges = async ({ killAt, settings }: ChildJob): Promise<void> => {
  const count = (): void => {
    changes += 1;
    if (changes === killAt) process.kill(process.pid, 'SIGKILL');
  };
  const handle = await fs.open(import.meta.filename);
  const isHandle = (value: unknown): boolean => Object.getPrototypeOf(value ?? {}) === Object.getPrototypeOf(handle);
  type Call = (...args: unknown[]) => unknown;
  const wrap = (target: Record<string, unknown>, name: string, counts = (..._: unknown[]) => true): void => {
    const real = target[name] as Call;
    target[name] = function (this: unknown, ...args: unknown[]) {
      const isInCache = args.some((arg) => typeof arg === 'string' && arg.startsWith(`${settings.dir}/`));
      if ((isInCache || isHandle(this)) && counts(...args)) count();
      return real.apply(this, args);
    };
  };
  const table = fs as unknown as Record<string, unknown>;
  const names = ['rename', 'mkdir', 'rm', 'rmdir', 'unlink', 'writeFile', 'appendFile', 'copyFile', 'truncate'];
  for (const name of [...names, 'chmod', 'utimes', 'symlink', 'link']) wrap(table, name);
  wrap(Object.getPrototypeOf(handle) as Record<string, unknown>, 'write');
  await handle.close();
  wrap(table, 'open', (_file, flags) => typeof flags === 'string' && flags !== 'r');
  syncBuiltinESMExports();
};

const peakBytes = (): number => {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
};

const openFiles = async (): Promise<string[]> => {
  const names = (await fs.readdir('/proc/self/fd')).filter((name) => Number(name) > 2);
  const targets = await Promise.all(names.map((name) => fs.readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('/') && !/^\/(dev|proc)\//.test(target));
};

const main = async (job: ChildJob): Promise<ChildReport> => {
  const abort = new AbortController();
  const { log, warnings } = collectWarnings();
  const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
  const { signal } = abort;
  const store = createStore(job.settings, { runner, log, signal, tempFolder: job.spool, patience: job.patience });
  const { chunkDir, limitBytes = 2 ** 40 } = job;
  const chunkStore = chunkDir === undefined ? undefined : createChunkStore({ dir: chunkDir, limitBytes, log });
  const parts = { store, log, signal, chunkStore };
  let abortedMs = 0;
  let left = job.abortAfterBytes ?? Number.POSITIVE_INFINITY;
  const pass = (bytes: number): void => {
    left -= bytes;
    if (left > 0 || signal.aborted) return;
    abortedMs = performance.now();
    abort.abort(new Error('interrupted'));
  };
  const watched = (made: TestImage): TestImage => ({
    ...made,
    layers: made.layers.map(({ diffId, open }) => ({
      diffId,
      async *open() {
        for await (const piece of open()) {
          pass(piece.length);
          yield piece;
        }
      },
    })),
  });
  const images: TestImage[] = [];
  for (let round = 0; round < (job.rounds ?? 1); round += 1) images.push(watched(await imageOf(job.image, round)));
  await countChanges(job);
  let bytes: PublishedBytes | FetchedBytes | undefined;
  let error: ChildReport['error'];
  try {
    for (const image of images) {
      bytes =
        job.action === 'publish'
          ? await publishImage(parts, image, job.spool)
          : await fetchImage(parts, image, job.spool, pass);
    }
  } catch (thrown) {
    const { name, message, code } = thrown as NodeJS.ErrnoException;
    error = { name, message, code };
  }
  const endedAfterMs = abortedMs === 0 ? undefined : performance.now() - abortedMs;
  const held = await openFiles();
  await store.close();
  // What was left running would show up as an unhandled rejection, or as a file in the spool folder.
  if (abortedMs > 0) await sleep(300);
  return { bytes, changes, peakBytes: peakBytes(), error, endedAfterMs, openFiles: held, warnings };
};

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as ChildJob)));
}
