import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command, Runner } from '../process/index.ts';
import { type Blob, openSource, type Source, streamOf, wholeOf } from './blob.ts';
import type { Limits } from './types.ts';

/** Why something cannot be looked into: an entry of the result, not a failure of the comparison. */
export class NotReadable extends Error {}

/** Counts what unpacking has written so far. */
export interface Budget {
  unpackedBytes: number;
  differences: number;
}

/** What looking into things works with. */
export interface WorkshopParts {
  /** Runs programs in silence. */
  readonly runner: Runner;
  /** Absolute path of an own folder. */
  readonly temp: string;
  readonly limits: Limits;
  readonly budget: Budget;
  readonly signal?: AbortSignal;
}

/** A place for what is unpacked of one pair of things; all of it is gone when it is closed. */
export interface Workshop extends WorkshopParts {
  /** A path for a new file. */
  newFile(name: string): Promise<string>;
  /** Opens a file of this machine until the workshop is closed. */
  open(file: string): Promise<Blob>;
  /** The blob as a file of its own: where it is, if it is a whole file, else a copy. */
  asFile(blob: Blob): Promise<string>;
  /** Writes the blob to a new file. @param file absolute path */
  copy(blob: Blob, file: string): Promise<void>;
  /** What a program makes of the blob, which it reads from standard input. */
  filter(command: Command, blob: Blob): Promise<Blob>;
  close(): Promise<void>;
}

const BOMB = 'unpacking it would take more room than a comparison may use';

const countInto = (budget: Budget, limits: Limits): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      budget.unpackedBytes += chunk.length;
      done(budget.unpackedBytes > limits.unpackedBytes ? new NotReadable(BOMB) : null, chunk);
    },
  });

const isWhole = ({ source, extents, sizeBytes }: Blob): boolean =>
  extents.length === 1 && extents[0]?.offset === 0 && sizeBytes === source.sizeBytes;

/** Opens what a comparison works with; whoever opens it closes it. */
export const openWorkshop = (parts: WorkshopParts): Workshop => {
  const { runner, temp, limits, budget, signal } = parts;
  const sources: Source[] = [];
  let folder: string | undefined;
  let count = 0;

  const newFile = async (name: string): Promise<string> => {
    folder ??= await mkdtemp(join(temp, 'in-'));
    count += 1;
    return join(folder, `${count}-${name}`);
  };
  const open = async (file: string): Promise<Blob> => {
    const source = await openSource(file);
    sources.push(source);
    return wholeOf(source);
  };
  const write = async (blob: Blob, file: string): Promise<void> => {
    await pipeline(Readable.from(streamOf(blob)), countInto(budget, limits), createWriteStream(file), { signal });
  };
  return {
    ...parts,
    newFile,
    open,
    copy: write,
    async asFile(blob) {
      if (isWhole(blob)) return blob.source.file;
      const file = await newFile('copy');
      await write(blob, file);
      return file;
    },
    async filter(command, blob) {
      const file = await newFile('unpacked');
      const running = runner.start(command, { timeoutMs: limits.toolMs });
      const done = running.done.then(
        () => undefined,
        (error: unknown) => error,
      );
      // A program that has read enough closes its end; what it says of the input counts.
      const fed = pipeline(Readable.from(streamOf(blob)), running.stdin).catch(() => {});
      try {
        await pipeline(running.stdout, countInto(budget, limits), createWriteStream(file), { signal });
      } catch (error) {
        running.stop();
        await done;
        throw error;
      }
      await fed;
      const fault = await done;
      if (fault !== undefined) throw fault;
      return open(file);
    },
    async close() {
      for (const { handle } of sources) await handle.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Bytes that a file takes; for the budget of programs that write files themselves. */
export const chargeFile = async (file: string, { budget, limits }: WorkshopParts): Promise<void> => {
  budget.unpackedBytes += (await stat(file)).size;
  if (budget.unpackedBytes > limits.unpackedBytes) throw new NotReadable(BOMB);
};
