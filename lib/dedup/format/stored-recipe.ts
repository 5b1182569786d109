import { hash } from 'node:crypto';
import { slipwayError } from '../../errors/index.ts';
import { ByteReader, ByteWriter, ID_BYTES } from './bytes.ts';
import { compressFrame, decompressFrame } from './zstd.ts';

const STORED_MAGIC = Buffer.from('SLPWRZ01');
const NO_BASE = Buffer.alloc(ID_BYTES);
const LEVEL = 3;

/** Two million files take about this; no reader has to take more. */
export const MAX_RECIPE_RAW_BYTES = 256 * 1024 * 1024;

/**
 * Compresses a recipe to the form in which it is stored.
 *
 * @param raw as `encodeRecipe` gives it
 * @param base another recipe, of whose bytes this one needs only the difference: its stored ID and its raw form
 * @returns `id`: sha256 of `stored`, 64 hex digits
 */
export const packRecipe = async (
  raw: Buffer,
  base?: { id: string; raw: Buffer },
): Promise<{ id: string; stored: Buffer }> => {
  if (raw.length > MAX_RECIPE_RAW_BYTES) throw new RangeError(`A recipe cannot have ${raw.length} bytes.`);
  const head = new ByteWriter();
  head.bytes(STORED_MAGIC);
  head.u8(base ? 1 : 0);
  head.bytes(base ? Buffer.from(base.id, 'hex') : NO_BASE);
  head.bytes(hash('sha256', raw, 'buffer'));
  head.u64(raw.length);
  const stored = Buffer.concat([head.finish(), await compressFrame(raw, LEVEL, base?.raw)]);
  return { id: hash('sha256', stored, 'hex'), stored };
};

const readHead = (reader: ByteReader): { base?: string; rawId: string; rawBytes: number } => {
  reader.magic(STORED_MAGIC);
  const hasBase = reader.u8('whether it has a base');
  if (hasBase > 1) throw reader.invalid('there is no such kind of recipe', reader.at - 1);
  const base = reader.id('the ID of the base');
  const rawId = reader.id('the digest of the recipe');
  const rawBytes = reader.u64('the length of the recipe');
  if (rawBytes > MAX_RECIPE_RAW_BYTES) throw reader.invalid(`a recipe cannot have ${rawBytes} bytes`, reader.at - 8);
  return { ...(hasBase === 1 && { base }), rawId, rawBytes };
};

/** What a stored recipe builds on: the ID of another stored recipe, if any. Throws `DEDUP_FORMAT_INVALID`. */
export const readRecipeHead = (stored: Buffer, source = 'A stored recipe'): { base?: string } => {
  const { base } = readHead(new ByteReader(stored, source));
  return base === undefined ? {} : { base };
};

/**
 * Decompresses a stored recipe and verifies it.
 *
 * @param base raw form of the recipe that it builds on, when `readRecipeHead` names one
 * Throws `DEDUP_FORMAT_INVALID` and `DEDUP_DIGEST_MISMATCH`.
 */
export const unpackRecipe = async (stored: Buffer, base?: Buffer, source = 'A stored recipe'): Promise<Buffer> => {
  const reader = new ByteReader(stored, source);
  const head = readHead(reader);
  if (head.base !== undefined && !base)
    throw reader.invalid(`it builds on the recipe ${head.base}, which is not at hand`, 8);
  const frameAt = reader.at;
  let raw: Buffer;
  try {
    const frame = reader.bytes(reader.left, 'the frame');
    raw = await decompressFrame(frame, head.rawBytes, head.base === undefined ? undefined : base);
  } catch (error) {
    throw reader.invalid(`it cannot be decompressed (${(error as Error).message})`, frameAt, error);
  }
  const found = hash('sha256', raw, 'hex');
  if (found !== head.rawId) throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: source, expected: head.rawId, found });
  return raw;
};
