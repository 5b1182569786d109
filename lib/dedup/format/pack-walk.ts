import { BLOCK_HEAD_BYTES, PACK_MAGIC, readBlockHead } from './block.ts';
import { ByteReader, formatInvalid } from './bytes.ts';
import type { IndexedBlock } from './pack-index.ts';

/** A block as its head in the pack tells. */
export type WalkedBlock = Pick<IndexedBlock, 'id' | 'offset' | 'recordBytes' | 'rawBytes'>;

/** Sees where the blocks of a pack begin, without looking into them. */
export interface PackWalker {
  write(data: Buffer): void;
  /** The blocks, in order. Throws `DEDUP_FORMAT_INVALID` when the pack ends too early. */
  end(): readonly WalkedBlock[];
}

/**
 * Makes a walker. `write` throws `DEDUP_FORMAT_INVALID` where no block begins.
 *
 * @param source what the bytes come from, for errors
 */
export const createPackWalker = (source: string): PackWalker => {
  const blocks: WalkedBlock[] = [];
  let head = Buffer.alloc(0);
  /** Where what is looked for next begins, and where the data of the next call does. */
  let next = 0;
  let at = 0;

  const enough = (): number => (next === 0 ? PACK_MAGIC.length : BLOCK_HEAD_BYTES);
  const read = (): void => {
    const reader = new ByteReader(head, source, next);
    head = Buffer.alloc(0);
    if (next === 0) {
      reader.magic(PACK_MAGIC);
      next = PACK_MAGIC.length;
      return;
    }
    const { id, recordBytes, rawBytes } = readBlockHead(reader);
    blocks.push({ id, offset: next, recordBytes, rawBytes });
    next += recordBytes;
  };

  return {
    write(data) {
      for (;;) {
        const from = Math.max(0, next + head.length - at);
        if (from >= data.length) break;
        head = Buffer.concat([head, data.subarray(from, from + enough() - head.length)]);
        if (head.length < enough()) break;
        read();
      }
      at += data.length;
    },
    end() {
      if (at === next && head.length === 0 && next > 0) return blocks;
      throw formatInvalid(source, at, `the pack ends here and a block should until ${next + enough()}`);
    },
  };
};
