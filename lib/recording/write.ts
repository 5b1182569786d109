import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EVENT_SCHEMA, jsonSink, type Mask, type Sink } from '../log/index.ts';
import { makeOwnName } from '../process/process-identity.ts';
import { makeRecordingName } from './name.ts';
import { pruneRecordings } from './prune.ts';

/** Where a step is recorded, and as what. */
export interface RecordingOptions {
  /** Absolute path of the folder of recordings; made when needed. */
  readonly folder: string;
  /** Step, with the architecture where it has one, for example `image-amd64`. */
  readonly step: string;
  /** The run that the step belongs to; empty: none is known. */
  readonly run: string;
  readonly mask: Mask;
  readonly now: () => Date;
  /** Told once when nothing more can be written; the step goes on. */
  readonly onTrouble: (text: string) => void;
  /** Bytes of one file after which only what is not output of commands is written. */
  readonly maxBytes?: number;
}

/** A file that is being written with the events of a step. */
export interface Recording {
  readonly sink: Sink;
  /** Absolute path; undefined before the step started, and when the file could not be made. */
  file(): string | undefined;
  /** Writes what is left, and no more after that. */
  close(): void;
}

const MIB = 1024 ** 2;
const DEFAULT_MAX_BYTES = 512 * MIB;

/** So much waits at most for the end of a turn of the event loop. */
const MAX_PENDING = MIB / 4;

/** A view that follows needs no more; the bars of the step itself get more. */
const PROGRESS_INTERVAL_MS = 1000;

const writeAll = (fd: number, text: string): void => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
};

/** Removes folders that were made, the innermost first, as long as nobody put anything into them. */
const removeEmpty = (innermost: string, outermost: string): void => {
  for (let folder = innermost; folder.startsWith(outermost); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
};

const bulky = (kind: string): boolean => kind === 'command-output' || kind === 'progress';

/** Leaves out most of the reports on how far a transfer is. */
const createThinning = () => {
  const reportedMs = new Map<number, number>();
  return (event: Parameters<Sink>[0]): boolean => {
    if (event.kind !== 'progress') return true;
    if (event.finished) return reportedMs.delete(event.id) || true;
    if (event.durationMs - (reportedMs.get(event.id) ?? -PROGRESS_INTERVAL_MS) < PROGRESS_INTERVAL_MS) return false;
    reportedMs.set(event.id, event.durationMs);
    return true;
  };
};

/**
 * Records a step in a file of JSON lines. Each event is written at once, in whole lines, so that what was said before a `kill -9` is there; only
 * lines that commands print, which may be very many, are gathered until the event loop has gone round.
 *
 * The file appears with `step-started`; what came before goes in after it. Wrong use leaves nothing behind, not even a record of itself. Trouble with the file never becomes trouble of the step.
 */
export const createRecording = (options: RecordingOptions): Recording => {
  const { folder, step, run, mask, now, onTrouble, maxBytes = DEFAULT_MAX_BYTES } = options;
  const keeps = createThinning();
  let file: string | undefined;
  let madeFolder: string | undefined;
  let fd: number | undefined;
  let isOver = false;
  let isFull = false;
  let pending = '';
  let writtenBytes = 0;
  let scheduled: NodeJS.Immediate | undefined;

  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
    isOver = true;
  };
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      close();
      pending = '';
      onTrouble(`The events of this step are not recorded any more in ${folder}: ${(error as Error).message}`);
    }
  };
  const discard = (): void => {
    close();
    pending = '';
    if (file !== undefined) rmSync(file, { force: true });
    file = undefined;
    if (madeFolder !== undefined) removeEmpty(folder, madeFolder);
  };
  const flush = (): void => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (fd === undefined || pending === '') return;
    const text = pending;
    pending = '';
    const to = fd;
    attempt(() => writeAll(to, text));
  };
  const open = (): void => {
    madeFolder = mkdirSync(folder, { recursive: true });
    pruneRecordings(folder);
    const path = join(folder, makeRecordingName(step, now()));
    fd = openSync(path, 'ax');
    file = path;
    const header = { time: now().toISOString(), kind: 'recording', schema: EVENT_SCHEMA, step, owner: makeOwnName() };
    pending = mask(`${JSON.stringify(run === '' ? header : { ...header, run })}\n`) + pending;
  };
  const toJson = jsonSink(
    (line) => {
      pending += line;
      writtenBytes += line.length;
    },
    mask,
    now,
  );
  const add: Sink = (event) => {
    toJson(event);
    if (fd === undefined) return;
    if (!bulky(event.kind) || pending.length > MAX_PENDING) flush();
    else scheduled ??= setImmediate(flush);
  };
  return {
    sink(event) {
      if (isOver || !keeps(event) || (isFull && bulky(event.kind))) return;
      if (event.kind === 'step-started') attempt(open);
      if (isOver) return;
      if (event.kind === 'step-finished' && event.exitCode === 2) return discard();
      add(event);
      if (isFull || writtenBytes < maxBytes) return;
      isFull = true;
      add({
        kind: 'warning',
        text: 'The recording has become too long: what commands print from here on is not in it.',
      });
    },
    file: () => file,
    close() {
      flush();
      close();
    },
  };
};
