import { type Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipwayError } from '../errors/index.ts';
import type { RunningCommand } from '../process/index.ts';

/** When one part has failed, how long the others have to end by themselves and say what they saw. */
const GRACE_MS = 2000;

/** A stream that passes everything on and reports the number of bytes. */
export const countBytes = (onBytes: (bytes: number) => void): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, next) {
      onBytes(chunk.length);
      next(null, chunk);
    },
  });

/**
 * The input of a command that may well end before it has read all: an engine stops where an archive ends, whatever padding follows. What comes
 * after that is let go, so that those before it in the pipeline end as well. Whether the command was content is for its exit code to say.
 */
export const untilEnough = (stdin: Writable): Writable => {
  stdin.on('error', () => {});
  return new Writable({
    // What comes is good until the next is asked for: nothing waits here.
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, next) => {
      if (stdin.destroyed) next();
      else stdin.write(chunk, () => next());
    },
    final: (next) => {
      if (stdin.destroyed) next();
      else stdin.end(() => next());
    },
    destroy: (error, done) => {
      // Only an end that came too early: what was written to its end may still be on its way to the reader.
      if (!stdin.writableFinished) stdin.destroy();
      done(error);
    },
  });
};

/** A pipe that broke because the reader at its end has gone. Other errors of a pipe are trouble with a file. */
const isReaderGone = (error: unknown): boolean =>
  ['EPIPE', 'ECONNRESET', 'ECANCELED', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );

const isStopped = (error: unknown): boolean =>
  isSlipwayError(error, 'COMMAND_FAILED') && ['SIGPIPE', 'SIGTERM'].includes(String(error.data.signal));

/** A part of a pipeline that failed. */
interface Failures {
  /** By command. */
  readonly ofCommands: ReadonlyMap<RunningCommand, unknown>;
  /** By pipe, with the command that reads from it, if it is one. */
  readonly ofPipes: readonly { readonly error: unknown; readonly reader: RunningCommand | undefined }[];
}

/**
 * Which of the errors is the cause of the others: trouble with a file; else a command that left its pipe early, because the
 * writers before it then fail too; else the first command that failed, because the readers after it then got half of their input.
 */
const findCause = (commands: readonly RunningCommand[], { ofCommands, ofPipes }: Failures): unknown => {
  const ofFile = ofPipes.find(({ error }) => !isReaderGone(error));
  if (ofFile) return ofFile.error;
  const readers = commands.filter((command) => ofPipes.some(({ reader }) => reader === command)).reverse();
  const failed = [...readers, ...commands].filter((command) => ofCommands.has(command));
  const cause = failed.find((command) => !isStopped(ofCommands.get(command))) ?? failed[0];
  return cause ? ofCommands.get(cause) : ofPipes[0]?.error;
};

/** A pipe: where the bytes come from, and what they go through. */
type Connection = readonly [Readable | AsyncIterable<Buffer>, ...Writable[]];

/**
 * Runs commands that are connected by pipes, and fails as a whole when any part fails, like a shell's `pipefail`: the rest is
 * stopped, all of it is waited for, and the error that is thrown is the cause, not the broken pipe that it led to.
 *
 * @param commands every started command, from the first of the pipeline to the last
 * @param connections for each pipe the streams from source to destination
 */
export const runPipeline = async (
  commands: readonly RunningCommand[],
  connections: readonly Connection[],
): Promise<void> => {
  const ofCommands = new Map<RunningCommand, unknown>();
  const ofPipes: Failures['ofPipes'][number][] = [];
  const running = new Set(commands);
  const allEnded = new AbortController();
  let isStopping = false;
  const stopRest = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await sleep(GRACE_MS, undefined, { signal: allEnded.signal }).catch(() => undefined);
    for (const command of running) command.stop();
  };
  const watchCommand = async (command: RunningCommand): Promise<void> => {
    try {
      await command.done;
    } catch (error) {
      ofCommands.set(command, error);
      void stopRest();
    } finally {
      running.delete(command);
    }
  };
  const watchPipe = async (streams: Connection): Promise<void> => {
    try {
      await pipeline([...streams] as [Readable, Writable]);
    } catch (error) {
      ofPipes.push({ error, reader: commands.find(({ stdin }) => stdin === streams.at(-1)) });
      void stopRest();
    }
  };
  await Promise.all([...commands.map(watchCommand), ...connections.map(watchPipe)]);
  allEnded.abort();
  if (ofCommands.size + ofPipes.length > 0) throw findCause(commands, { ofCommands, ofPipes });
};
