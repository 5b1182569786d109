/** A block, decompressed and verified. */
export interface DecodedBlock {
  readonly raw: Buffer;
  /** Where each chunk begins, and the end of the last one. */
  readonly starts: readonly number[];
}

/** Decompressed blocks in use, and some that may be used a second time. */
export interface HeldBlocks {
  /** Hands out the block of a number, loading it if it is not here; it stays until all who took it have given it back. */
  take(number: number, load: () => Promise<DecodedBlock>): Promise<DecodedBlock>;
  give(block: DecodedBlock): void;
  /** Nobody will take the block of this number again. */
  forget(number: number): void;
}

/**
 * Up to this, blocks are kept for a second use; those in use count as well. After some nights the contents of a layer lie in many blocks, a part of each at a
 * time: with a quarter of this, the tenth night of a series decompresses twice as much.
 */
const MOST_DECODED_BYTES = 96 * 1024 * 1024;

interface Held {
  readonly loading: Promise<DecodedBlock>;
  block?: DecodedBlock;
  users: number;
  isKept: boolean;
}

/** @param onFree hears of blocks that are neither used nor kept any more */
export const createHeldBlocks = (onFree: (block: DecodedBlock) => void): HeldBlocks => {
  /** The first ones are those that were taken least recently. */
  const kept = new Map<number, Held>();
  const heldOf = new WeakMap<DecodedBlock, Held>();
  let keptBytes = 0;

  const drop = (number: number, held: Held): void => {
    kept.delete(number);
    held.isKept = false;
    keptBytes -= held.block?.raw.length ?? 0;
    if (held.users === 0 && held.block) onFree(held.block);
  };

  /** Only what is complete can go: another may be waiting for what is not. */
  const makeRoom = (wanted: number): void => {
    for (const [number, held] of kept) {
      if (keptBytes <= MOST_DECODED_BYTES) return;
      if (number !== wanted && held.block) drop(number, held);
    }
  };

  return {
    async take(number, load) {
      const held = kept.get(number) ?? { loading: load(), users: 0, isKept: true };
      held.users += 1;
      kept.delete(number);
      kept.set(number, held);
      const block = await held.loading;
      if (!held.block) {
        held.block = block;
        heldOf.set(block, held);
        keptBytes += block.raw.length;
        makeRoom(number);
      }
      return block;
    },
    give(block) {
      const held = heldOf.get(block);
      if (!held) return;
      held.users -= 1;
      if (held.users === 0 && !held.isKept) onFree(block);
    },
    forget(number) {
      const held = kept.get(number);
      if (held) drop(number, held);
    },
  };
};
