import type { RunningCommand } from '../../process/index.ts';
import { explained } from '../engine-faults.ts';
import { runPipeline, untilEnough } from '../pipeline.ts';

/**
 * Sends bytes to a command of the engine that reads them from its standard input, and waits for its end.
 *
 * @param bytes each piece is asked for when the one before has been read
 * @param doing for errors
 */
export const sendTo = async (command: RunningCommand, bytes: AsyncIterable<Buffer>, doing: string): Promise<void> => {
  // What the engine says there ("Loaded image: …") is known; unread it could fill the pipe.
  command.stdout.resume();
  await explained(doing, () => runPipeline([command], [[bytes, untilEnough(command.stdin)]]));
};
