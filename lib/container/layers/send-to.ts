import { Readable } from 'node:stream';
import type { RunningCommand } from '../../process/index.ts';
import { explained } from '../engine-faults.ts';
import { runPipeline, untilEnough } from '../pipeline.ts';

/** The engine takes what it is sent in fits and starts: what is rebuilt meanwhile waits here. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** Sends bytes to a command of the engine that reads them from its standard input, and waits for its end. @param doing for errors */
export const sendTo = async (command: RunningCommand, bytes: AsyncIterable<Buffer>, doing: string): Promise<void> => {
  // What the engine says there ("Loaded image: …") is known; unread it could fill the pipe.
  command.stdout.resume();
  const source = Readable.from(bytes, { objectMode: false, highWaterMark: WAITING_BYTES });
  await explained(doing, () => runPipeline([command], [[source, untilEnough(command.stdin)]]));
};
