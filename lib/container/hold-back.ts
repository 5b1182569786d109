import { Transform } from 'node:stream';
import type { WatchedArchive } from './archive-index.ts';

/** The files that say which images an archive has are a few kilobytes, and nothing large comes after them. */
const MOST_BYTES = 16 * 1024 * 1024;

/** What is always held back: more than any end of an archive, so that what has passed is never a whole one. */
const LEAST_BYTES = 64 * 1024;

/** The archive is not one that can be loaded while it is verified: to be verified first. */
export class NotStreamableError extends Error {}

/**
 * Passes an image archive on, but for its end: the files by which an engine finds the images in it, and all that comes after them. The end
 * follows when the whole archive is known to be the right one, so an engine never gets an archive of another.
 *
 * @param archive has seen the bytes just before
 * @param isRight resolves or rejects when all bytes have come and were verified
 * @param giveUp called before the stream fails: the reader at its end must not take it for a whole one
 */
export const holdBack = (
  { indexStart }: Pick<WatchedArchive, 'indexStart'>,
  isRight: Promise<unknown>,
  giveUp: () => Promise<void>,
): Transform => {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** Of all that has come. */
  let position = 0;

  /** Takes from the front of what is held; none of it may be needed any more. */
  const release = (stream: Transform, count: number): void => {
    let left = count;
    while (left > 0) {
      const [first] = held;
      if (!first) return;
      const part = first.subarray(0, left);
      if (part.length === first.length) held.shift();
      else held[0] = first.subarray(part.length);
      left -= part.length;
      heldBytes -= part.length;
      stream.push(part);
    }
  };

  const failWith = async (error: unknown, next: (error: Error) => void): Promise<void> => {
    held = [];
    await giveUp();
    next(error as Error);
  };

  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      held.push(chunk);
      heldBytes += chunk.length;
      position += chunk.length;
      if (heldBytes > MOST_BYTES + LEAST_BYTES && indexStart() !== undefined) {
        void failWith(new NotStreamableError('its index does not come last'), next);
        return;
      }
      const passable = Math.min(indexStart() ?? position, position - LEAST_BYTES);
      release(this, passable - (position - heldBytes));
      next();
    },
    flush(next) {
      const end = async (): Promise<void> => {
        await isRight;
        if (indexStart() === undefined) throw new NotStreamableError('it has no index');
        release(this, heldBytes);
        next();
      };
      end().catch((error: unknown) => failWith(error, next));
    },
  });
};
