import { createHash, hash } from 'node:crypto';
import { slipwayError } from '../../errors/index.ts';
import { BLOCK_HEAD_BYTES, decodeBlock, PACK_MAGIC, readBlockHead } from './block.ts';
import { ByteReader, formatInvalid } from './bytes.ts';
import type { IndexedBlock, PackedChunk, PackIndex } from './pack-index.ts';

/** Blocks of the pack that are kept as possible bases of later ones: 64 MiB at most, 16 MiB as a rule. */
const MOST_KEPT_BLOCKS = 4;

/** Portions of wanted size from a stream; what has not come is not allocated either. */
class Portions {
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #onBytes: (bytes: Buffer) => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(stream: AsyncIterable<Buffer>, onBytes: (bytes: Buffer) => void) {
    this.#pieces = stream[Symbol.asyncIterator]();
    this.#onBytes = onBytes;
  }

  /** The next `bytes` bytes without taking them, or all that are left. */
  async peek(bytes: number): Promise<Buffer> {
    while (this.#waitingBytes < bytes) {
      const { value, done } = await this.#pieces.next();
      if (done) break;
      this.#onBytes(value);
      this.#waiting.push(value);
      this.#waitingBytes += value.length;
    }
    const all = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    this.#waiting = [all];
    return all.subarray(0, bytes);
  }

  async take(bytes: number): Promise<Buffer> {
    const portion = await this.peek(bytes);
    this.#waiting = [(this.#waiting[0] as Buffer).subarray(portion.length)];
    this.#waitingBytes -= portion.length;
    return portion;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

const chunksOf = (raw: Buffer, lengths: readonly number[]): PackedChunk[] => {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return { key: hash('sha256', raw.subarray(at - length, at), 'binary'), length };
  });
};

/** Decodes the blocks of one pack, of which the last ones are bases for those that follow. */
const createDecoder = (source: string, otherBases: ((id: string) => Promise<Buffer>) | undefined) => {
  const kept = new Map<string, Buffer>();
  return async (record: Buffer, offset: number): Promise<IndexedBlock> => {
    const { id: block } = readBlockHead(new ByteReader(record, source, offset));
    const findBase = async (base: string): Promise<Buffer> => {
      const here = kept.get(base) ?? (await otherBases?.(base));
      if (!here) throw slipwayError('DEDUP_BASE_MISSING', { block, base });
      return here;
    };
    const { id, raw, lengths, bases } = await decodeBlock(record, findBase, `${source}, block at ${offset}`);
    if (bases.length === 0) kept.set(id, raw);
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT_BLOCKS && oldest !== undefined) kept.delete(oldest);
    return { id, offset, recordBytes: record.length, rawBytes: raw.length, bases, chunks: chunksOf(raw, lengths) };
  };
};

/**
 * Reads a whole pack, verifies each of its blocks, and makes its index anew: what `decodePackIndex` says of the pack when both are in order.
 *
 * @param stream the bytes of the pack, in pieces of any size
 * @param source what they come from, for errors
 * @param bases gives the raw bytes of a base block that is not among the last ones of this pack
 * @returns the index; whether `packId` is the one that the pack's name says, the caller must see
 *   Throws `DEDUP_FORMAT_INVALID`, `DEDUP_DIGEST_MISMATCH`, `DEDUP_BASE_MISSING` and what `stream` and `bases` throw.
 */
export const scanPack = async (
  stream: AsyncIterable<Buffer>,
  source: string,
  bases?: (id: string) => Promise<Buffer>,
): Promise<PackIndex> => {
  const digest = createHash('sha256');
  const portions = new Portions(stream, (bytes) => digest.update(bytes));
  const decode = createDecoder(source, bases);
  const blocks: IndexedBlock[] = [];
  try {
    new ByteReader(await portions.take(PACK_MAGIC.length), source).magic(PACK_MAGIC);
    let offset = PACK_MAGIC.length;
    for (
      let head = await portions.peek(BLOCK_HEAD_BYTES);
      head.length > 0;
      head = await portions.peek(BLOCK_HEAD_BYTES)
    ) {
      const { recordBytes } = readBlockHead(new ByteReader(head, source, offset));
      const record = await portions.take(recordBytes);
      if (record.length < recordBytes) {
        throw formatInvalid(
          source,
          offset,
          `a block of ${recordBytes} bytes begins and only ${record.length} are there`,
        );
      }
      blocks.push(await decode(record, offset));
      offset += recordBytes;
    }
    return { packId: digest.digest('hex'), blocks };
  } finally {
    await portions.close();
  }
};
