import { hash } from 'node:crypto';
import { slipwayError } from '../../errors/index.ts';
import { MAX_BLOCK_BASES, PACK_MAGIC } from './block.ts';
import { ByteReader, ByteWriter, ID_BYTES } from './bytes.ts';

const INDEX_MAGIC = Buffer.from('SLPWIX01');
/** Of a block in the table: offset, three numbers, ID, number of bases. */
const BLOCK_ENTRY_BYTES = 8 + 3 * 4 + ID_BYTES + 1;
const CHUNK_ENTRY_BYTES = ID_BYTES + 4;

/** A chunk that a pack holds: `key` is its sha256 as 32 characters of latin1, `length` in bytes. */
export interface PackedChunk {
  readonly key: string;
  readonly length: number;
}

/** A block that a pack holds. */
export interface IndexedBlock {
  readonly id: string;
  /** Of its record in the pack. */
  readonly offset: number;
  readonly recordBytes: number;
  readonly rawBytes: number;
  /** IDs of the blocks whose bytes are needed to decompress it. */
  readonly bases: readonly string[];
  readonly chunks: readonly PackedChunk[];
}

/** What a pack holds. */
export interface PackIndex {
  readonly packId: string;
  readonly blocks: readonly IndexedBlock[];
}

/** Bytes of the file `.idx` of a pack. */
export const encodePackIndex = ({ packId, blocks }: PackIndex): Buffer => {
  const out = new ByteWriter();
  out.bytes(INDEX_MAGIC);
  out.id(packId);
  out.u32(blocks.length);
  for (const { id, offset, recordBytes, rawBytes, bases, chunks } of blocks) {
    out.u64(offset);
    out.u32(recordBytes);
    out.u32(rawBytes);
    out.u32(chunks.length);
    out.id(id);
    out.u8(bases.length);
    for (const base of bases) out.id(base);
  }
  for (const { chunks } of blocks) {
    for (const { key, length } of chunks) {
      out.bytes(Buffer.from(key, 'latin1'));
      out.u32(length);
    }
  }
  const body = out.finish();
  return Buffer.concat([body, hash('sha256', body, 'buffer')]);
};

type BlockEntry = Omit<IndexedBlock, 'chunks'> & { readonly chunkCount: number };

const readBlockEntry = (reader: ByteReader, expectedOffset: number): BlockEntry => {
  const at = reader.at;
  const offset = reader.u64('the offset of a block');
  if (offset !== expectedOffset)
    throw reader.invalid(`a block begins at ${offset} and the one before ends at ${expectedOffset}`, at);
  const recordBytes = reader.u32('the length of a record');
  const rawBytes = reader.u32('the length of a block');
  const chunkCount = reader.u32('a number of chunks');
  const id = reader.id('the ID of a block');
  const baseCount = reader.u8('a number of base blocks');
  if (baseCount > MAX_BLOCK_BASES) throw reader.invalid(`a block cannot have ${baseCount} bases`);
  const bases = Array.from({ length: baseCount }, () => reader.id('the ID of a base block'));
  return { id, offset, recordBytes, rawBytes, bases, chunkCount };
};

const readChunks = (reader: ByteReader, chunkCount: number, rawBytes: number): PackedChunk[] => {
  const at = reader.at;
  const chunks: PackedChunk[] = [];
  let total = 0;
  for (let left = reader.count(chunkCount, CHUNK_ENTRY_BYTES, 'chunks'); left > 0; left -= 1) {
    const key = reader.bytes(ID_BYTES, 'the digest of a chunk').toString('latin1');
    const length = reader.u32('the length of a chunk');
    total += length;
    chunks.push({ key, length });
  }
  if (total !== rawBytes)
    throw reader.invalid(`the chunks of a block have ${total} bytes and the block has ${rawBytes}`, at);
  return chunks;
};

/**
 * Reads the index of a pack and verifies the digest at its end.
 *
 * @param source what the index comes from, for errors
 * Throws `DEDUP_FORMAT_INVALID` and `DEDUP_DIGEST_MISMATCH`.
 */
export const decodePackIndex = (data: Buffer, source: string): PackIndex => {
  const reader = new ByteReader(data.subarray(0, Math.max(0, data.length - ID_BYTES)), source);
  reader.magic(INDEX_MAGIC);
  const packId = reader.id('the ID of the pack');
  const count = reader.u32('the number of blocks');
  const expected = data.toString('hex', data.length - ID_BYTES);
  const found = hash('sha256', reader.data, 'hex');
  if (found !== expected) throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: source, expected, found });
  const entries: BlockEntry[] = [];
  let end = PACK_MAGIC.length;
  for (let left = reader.count(count, BLOCK_ENTRY_BYTES, 'blocks'); left > 0; left -= 1) {
    const entry = readBlockEntry(reader, end);
    end += entry.recordBytes;
    entries.push(entry);
  }
  const blocks = entries.map(({ chunkCount, ...entry }) => ({
    ...entry,
    chunks: readChunks(reader, chunkCount, entry.rawBytes),
  }));
  reader.end();
  return { packId, blocks };
};
