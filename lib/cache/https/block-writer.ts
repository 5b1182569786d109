import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 1024 * 1024;

/** Writes chunks to a file in large blocks: a network gives 16 KiB at a time, and each write costs a trip to another thread. */
export interface BlockWriter {
  write(chunk: Buffer): Promise<void>;
  /** Writes what is left; also worth calling after a failure, because what came is kept. */
  flush(): Promise<void>;
  /** Position after the last byte taken. */
  position(): number;
}

/** @param position where the first byte goes */
export const createBlockWriter = (handle: FileHandle, position: number): BlockWriter => {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let written = position;
  let filled = 0;

  const flush = async (): Promise<void> => {
    for (let done = 0; done < filled; ) {
      done += (await handle.write(block, done, filled - done, written + done)).bytesWritten;
    }
    written += filled;
    filled = 0;
  };

  return {
    async write(chunk) {
      for (let taken = 0; taken < chunk.length; ) {
        const count = chunk.copy(block, filled, taken);
        taken += count;
        filled += count;
        if (filled === block.length) await flush();
      }
    },
    flush,
    position: () => written + filled,
  };
};
