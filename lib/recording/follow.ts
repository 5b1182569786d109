import { dirname } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import type { EventOf } from '../log/index.ts';
import { isOwnerAlive, isOwnerDead } from '../process/process-identity.ts';
import { watchFolder } from './changes.ts';
import { listRecordings } from './list.ts';
import type { RecordingHeader } from './parse.ts';
import { openRecording, type ReadLine } from './read.ts';

/** What is followed, and for how long. */
export interface FollowOptions {
  /** Absolute path of a folder of recordings (one step after the other), or of one recording. */
  readonly place: { readonly folder: string } | { readonly file: string };
  /** Leave out what has ended already. */
  readonly onlyNew: boolean;
  /** How long to wait for the next step, milliseconds, when nobody says that there will be one. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** How often to look when nothing tells of changes. */
const POLL_MS = 250;

/** Wherever a process may be told to have ended, its last lines may just have been written. */
interface Ending {
  readonly header: RecordingHeader | undefined;
  readonly finished: EventOf<'step-finished'>;
}

/** Yields the lines of one recording until its step has ended; throws when it ended without a word. */
async function* followFile(file: string, signal: AbortSignal): AsyncGenerator<ReadLine, Ending> {
  const reader = await openRecording(file);
  const changes = watchFolder(dirname(file));
  let header: RecordingHeader | undefined;
  let step = file;
  try {
    for (let isDead = false; ; ) {
      for await (const line of reader.readMore()) {
        yield line;
        const { event } = line.recorded;
        if (event.kind === 'recording') header = event;
        if (event.kind === 'step-started') step = event.step;
        if (event.kind === 'step-finished') return { header, finished: event };
      }
      signal.throwIfAborted();
      // One more look at the file after the process was found dead: it may have written between the two.
      if (isDead) throw slipwayError('STEP_VANISHED', { step, file, hasPartOfLine: reader.hasPartOfLine() });
      isDead = header !== undefined && isOwnerDead(header.owner);
      if (!isDead) await changes.next(POLL_MS, signal);
    }
  } finally {
    changes.close();
    await reader.close();
  }
}

/** Names of the recordings of a folder; `after`: only those that sort behind it. */
const namesAfter = (folder: string, after: string | undefined): string[] =>
  listRecordings(folder)
    .map(({ file }) => file)
    .filter((file) => after === undefined || file > after);

/** Whether a recording has its last event, or its process is gone. */
const hasEnded = async (file: string): Promise<boolean> => {
  const reader = await openRecording(file);
  try {
    let owner: string | undefined;
    for await (const { recorded } of reader.readMore()) {
      if (recorded.event.kind === 'recording') owner = recorded.event.owner;
      if (recorded.event.kind === 'step-finished') return true;
    }
    return owner !== undefined && isOwnerDead(owner);
  } finally {
    await reader.close();
  }
};

/** The recording to begin with: the newest, unless it is over and only new ones are wanted. */
const findFirst = async (folder: string, onlyNew: boolean): Promise<{ file?: string; after?: string }> => {
  const newest = namesAfter(folder, undefined).at(-1);
  if (newest === undefined) return {};
  return onlyNew && (await hasEnded(newest)) ? { after: newest } : { file: newest };
};

/**
 * Follows a run: the newest step, and each one that comes after it. The run is over when a step failed; when the process that runs the steps is
 * gone (`run` of the recording, if it is an own name of one on this machine); else when no other step came for `waitMs`.
 *
 * @returns the exit code of the last step
 * @throws EVENTS_NONE, EVENTS_NONE_NEW, EVENTS_MISSING, EVENTS_UNREADABLE, EVENTS_SCHEMA_UNKNOWN, STEP_VANISHED, and the reason of `signal`
 */
export async function* followRun(options: FollowOptions): AsyncGenerator<ReadLine, number> {
  const { place, onlyNew, waitMs, signal, now = Date.now } = options;
  if ('file' in place) return (yield* followFile(place.file, signal)).finished.exitCode;
  const { folder } = place;
  const changes = watchFolder(folder);
  try {
    let { file, after } = await findFirst(folder, onlyNew);
    let ending: Ending | undefined;
    for (let sinceMs = now(); ; ) {
      if (file !== undefined) {
        ending = yield* followFile(file, signal);
        if (ending.finished.exitCode !== 0) return ending.finished.exitCode;
        after = file;
        sinceMs = now();
      }
      const run = ending?.header?.run;
      const isRunOver = run !== undefined && isOwnerDead(run);
      [file] = namesAfter(folder, after);
      if (file !== undefined) continue;
      const isExpected = run !== undefined && isOwnerAlive(run);
      if (isRunOver || (!isExpected && now() - sinceMs >= waitMs)) break;
      await changes.next(POLL_MS, signal);
      signal.throwIfAborted();
    }
    if (ending === undefined) {
      throw after === undefined
        ? slipwayError('EVENTS_NONE', { place: folder })
        : slipwayError('EVENTS_NONE_NEW', { folder, waitMs });
    }
    return ending.finished.exitCode;
  } finally {
    changes.close();
  }
}
