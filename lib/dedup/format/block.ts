import { hash, subtle } from 'node:crypto';
import { slipwayError } from '../../errors/index.ts';
import { ByteReader, ByteWriter, ID_BYTES } from './bytes.ts';
import { compressFrame, decompressFrame } from './zstd.ts';

/** First bytes of a pack. */
export const PACK_MAGIC = Buffer.from('SLPWPK01');

/** 'BLK1' */
const BLOCK_MAGIC = 0x314b4c42;
/** Fixed part of a record. */
export const BLOCK_HEAD_BYTES = 4 * 4 + 4 + ID_BYTES;

/** A block is about 4 MiB raw; no reader has to take more than this. */
export const MAX_BLOCK_RAW_BYTES = 16 * 1024 * 1024;
export const MAX_BLOCK_CHUNKS = 65_536;
export const MAX_BLOCK_BASES = 8;
/** zstd never makes more of incompressible bytes. */
const MAX_FRAME_BYTES = MAX_BLOCK_RAW_BYTES + MAX_BLOCK_RAW_BYTES / 256 + 1024;

/** A block as a dictionary for another one. */
export interface BaseBlock {
  readonly id: string;
  readonly raw: Buffer;
}

/** A block, decompressed and verified. */
export interface Block {
  /** sha256 of `raw`, 64 hex digits. */
  readonly id: string;
  /** The chunks, one after the other. */
  readonly raw: Buffer;
  /** Of each chunk, in bytes. */
  readonly lengths: number[];
}

/** What the fixed part of a record says. */
export interface BlockHead {
  readonly id: string;
  readonly frameBytes: number;
  readonly rawBytes: number;
  readonly chunkCount: number;
  readonly baseCount: number;
  /** Of the whole record. */
  readonly recordBytes: number;
}

/** The bases one after the other; in `room` when there is enough of it. */
const asDictionary = (bases: readonly Buffer[], room?: Buffer): Buffer | undefined => {
  if (bases.length === 0) return undefined;
  const bytes = bases.reduce((sum, { length }) => sum + length, 0);
  if (!room || room.length < bytes) return Buffer.concat(bases);
  let at = 0;
  for (const base of bases) at += base.copy(room, at);
  return room.subarray(0, bytes);
};

/** What a frame gave. */
export interface Inflated {
  readonly raw: Buffer;
  /** sha256 of `raw`, 64 hex digits. */
  readonly id: string;
}

/**
 * Decompresses the frame of a block, and digests what comes.
 *
 * @param rawBytes how much must come; throws any error if it is not that much
 * @param bases raw bytes of the base blocks
 */
export type Inflate = (frame: Buffer, rawBytes: number, bases: readonly Buffer[]) => Promise<Inflated>;

const inflateHere: Inflate = async (frame, rawBytes, bases) => {
  const raw = await decompressFrame(frame, rawBytes, asDictionary(bases));
  // Of the two ways that Node has, the one that leaves this thread free: megabytes take milliseconds, and others wait for it.
  return { raw, id: Buffer.from(await subtle.digest('SHA-256', raw)).toString('hex') };
};

const checkBlock = (lengths: readonly number[], raw: Buffer, bases: readonly BaseBlock[]): void => {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== raw.length || lengths.some((length) => !Number.isInteger(length) || length < 1)) {
    throw new RangeError(`The chunks have ${total} bytes, the block has ${raw.length}.`);
  }
  if (
    raw.length === 0 ||
    raw.length > MAX_BLOCK_RAW_BYTES ||
    lengths.length > MAX_BLOCK_CHUNKS ||
    bases.length > MAX_BLOCK_BASES
  ) {
    throw new RangeError(
      `A block cannot have ${raw.length} bytes in ${lengths.length} chunks with ${bases.length} bases.`,
    );
  }
};

/**
 * Makes the record of a block as it is stored in a pack.
 *
 * @param level of zstd
 * @param room for the bases, used while this runs; without it they take new memory each time
 */
export const encodeBlock = async (
  { lengths, raw, bases = [] }: { lengths: readonly number[]; raw: Buffer; bases?: readonly BaseBlock[] },
  level: number,
  room?: Buffer,
): Promise<{ id: string; record: Buffer }> => {
  checkBlock(lengths, raw, bases);
  const id = hash('sha256', raw, 'hex');
  const frame = await compressFrame(
    raw,
    level,
    asDictionary(
      bases.map((base) => base.raw),
      room,
    ),
  );
  const head = new ByteWriter();
  head.u32(BLOCK_MAGIC);
  head.u32(frame.length);
  head.u32(raw.length);
  head.u32(lengths.length);
  head.u32(bases.length);
  head.id(id);
  for (const base of bases) head.id(base.id);
  for (const length of lengths) head.u32(length);
  return { id, record: Buffer.concat([head.finish(), frame]) };
};

/** Reads the fixed part of a record, and checks that its numbers are possible. Throws `DEDUP_FORMAT_INVALID`. */
export const readBlockHead = (reader: ByteReader): BlockHead => {
  const start = reader.at;
  if (reader.u32('the mark of a block') !== BLOCK_MAGIC)
    throw reader.invalid('the mark "BLK1" of a block is missing', start);
  const frameBytes = reader.u32('the length of a frame');
  const rawBytes = reader.u32('the length of a block');
  const chunkCount = reader.u32('a number of chunks');
  const baseCount = reader.u32('a number of base blocks');
  const id = reader.id('the ID of a block');
  if (rawBytes === 0 || rawBytes > MAX_BLOCK_RAW_BYTES || frameBytes === 0 || frameBytes > MAX_FRAME_BYTES) {
    throw reader.invalid(`a block cannot have ${rawBytes} bytes in ${frameBytes}`, start);
  }
  if (chunkCount === 0 || chunkCount > Math.min(MAX_BLOCK_CHUNKS, rawBytes) || baseCount > MAX_BLOCK_BASES) {
    throw reader.invalid(`a block cannot have ${chunkCount} chunks and ${baseCount} bases`, start);
  }
  const recordBytes = BLOCK_HEAD_BYTES + baseCount * ID_BYTES + chunkCount * 4 + frameBytes;
  return { id, frameBytes, rawBytes, chunkCount, baseCount, recordBytes };
};

/** Reads lengths of chunks, which must be those of a block of `rawBytes`. */
export const readChunkLengths = (reader: ByteReader, { chunkCount, rawBytes }: BlockHead): number[] => {
  const at = reader.at;
  const table = reader.bytes(chunkCount * 4, 'the table of the chunks');
  const lengths = Array.from({ length: chunkCount }, (_, chunk) => table.readUInt32LE(chunk * 4));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== rawBytes || lengths.includes(0)) {
    throw reader.invalid(`the chunks of a block have ${total} bytes and the block has ${rawBytes}`, at);
  }
  return lengths;
};

const readBases = async (
  block: string,
  ids: readonly string[],
  bases: ((id: string) => Promise<Buffer>) | undefined,
): Promise<Buffer[]> => {
  const found: Buffer[] = [];
  for (const id of ids) {
    if (!bases) throw slipwayError('DEDUP_BASE_MISSING', { block, base: id });
    found.push(await bases(id));
  }
  return found;
};

/**
 * Reads the record of a block and verifies it: what comes back has the digest that the record says.
 *
 * @param bases gives the raw bytes of a base block
 * @param source what the record comes from, for errors
 * @param inflate default: with the threads that Node has, into new memory
 * Throws `DEDUP_FORMAT_INVALID`, `DEDUP_DIGEST_MISMATCH`, `DEDUP_BASE_MISSING` and what `bases` throws.
 */
export const decodeBlock = async (
  record: Buffer,
  bases?: (id: string) => Promise<Buffer>,
  source = 'The record of a block',
  inflate: Inflate = inflateHere,
): Promise<Block & { bases: string[] }> => {
  const reader = new ByteReader(record, source);
  const head = readBlockHead(reader);
  if (head.recordBytes !== record.length) {
    throw reader.invalid(`a record of ${head.recordBytes} bytes begins and ${record.length} are there`, 0);
  }
  const baseIds = Array.from({ length: head.baseCount }, () => reader.id('the ID of a base block'));
  const lengths = readChunkLengths(reader, head);
  const frameAt = reader.at;
  const frame = reader.bytes(head.frameBytes, 'the frame of a block');
  const baseBytes = await readBases(head.id, baseIds, bases);
  let inflated: Inflated;
  try {
    inflated = await inflate(frame, head.rawBytes, baseBytes);
  } catch (error) {
    throw reader.invalid(`the block cannot be decompressed (${(error as Error).message})`, frameAt, error);
  }
  const { id: found, raw } = inflated;
  if (found !== head.id)
    throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: `a block in ${source}`, expected: head.id, found });
  return { id: head.id, raw, lengths, bases: baseIds };
};
