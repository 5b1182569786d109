import { ByteReader, ByteWriter, ID_BYTES } from './bytes.ts';
import type { LayerShape } from './columns.ts';

const RECIPE_MAGIC = Buffer.from('SLPWRC01');
const KINDS = ['tar', 'opaque'] as const;
/** The shortest that an entry can be: ID and four numbers; three numbers. */
const [BLOCK_ENTRY_BYTES, RUN_BYTES] = [ID_BYTES + 4, 3];

/** A block that a layer needs. */
export interface RecipeBlock {
  readonly id: string;
  /** Number of its pack in the table of packs. */
  readonly pack: number;
  /** Of its record in the pack. */
  readonly offset: number;
  readonly recordBytes: number;
  readonly rawBytes: number;
}

/** Chunks of a block that follow each other in the layer: `count` of them from `first` on. */
export interface Run {
  /** Number in the table of blocks. */
  readonly block: number;
  readonly first: number;
  readonly count: number;
}

/** How to rebuild a layer. */
export interface Recipe {
  readonly diffId: string;
  /** Of the layer. */
  readonly sizeBytes: number;
  readonly packs: readonly string[];
  /** Those that only other blocks need are in it, too. */
  readonly blocks: readonly RecipeBlock[];
  /** The layer's content, in order. */
  readonly runs: readonly Run[];
  readonly shape: LayerShape;
}

/** Bytes of a recipe before it is compressed. Equal recipes give equal bytes. */
export const encodeRecipe = ({ diffId, sizeBytes, packs, blocks, runs, shape }: Recipe): Buffer => {
  const out = new ByteWriter();
  out.bytes(RECIPE_MAGIC);
  out.id(diffId);
  out.u64(sizeBytes);
  out.u8(KINDS.indexOf(shape.kind));
  out.varint(packs.length);
  for (const pack of packs) out.id(pack);
  out.varint(blocks.length);
  for (const { id, pack, offset, recordBytes, rawBytes } of blocks) {
    out.id(id);
    out.varint(pack);
    out.varint(offset);
    out.varint(recordBytes);
    out.varint(rawBytes);
  }
  out.varint(runs.length);
  let [lastBlock, next] = [0, 0];
  for (const { block, first, count } of runs) {
    out.signed(block - lastBlock);
    out.signed(first - (block === lastBlock ? next : 0));
    out.varint(count);
    [lastBlock, next] = [block, first + count];
  }
  out.varint(shape.columns.length);
  out.bytes(shape.columns);
  return out.finish();
};

const readBlocks = (reader: ByteReader, packCount: number): RecipeBlock[] => {
  const blocks: RecipeBlock[] = [];
  const blockCount = reader.varint('the number of blocks');
  for (let left = reader.count(blockCount, BLOCK_ENTRY_BYTES, 'blocks'); left > 0; left -= 1) {
    const id = reader.id('the ID of a block');
    const at = reader.at;
    const pack = reader.varint('the number of a pack');
    if (pack >= packCount) throw reader.invalid(`there is no pack ${pack}`, at);
    const offset = reader.varint('the offset of a block');
    const recordBytes = reader.varint('the length of a record');
    const rawBytes = reader.varint('the length of a block');
    blocks.push({ id, pack, offset, recordBytes, rawBytes });
  }
  return blocks;
};

const readRuns = (reader: ByteReader, blockCount: number): Run[] => {
  const runs: Run[] = [];
  let [block, next] = [0, 0];
  const runCount = reader.varint('the number of runs');
  for (let left = reader.count(runCount, RUN_BYTES, 'runs'); left > 0; left -= 1) {
    const at = reader.at;
    const step = reader.signed('the number of a block');
    block += step;
    if (block < 0 || block >= blockCount) throw reader.invalid(`there is no block ${block}`, at);
    const first = (step === 0 ? next : 0) + reader.signed('the number of a chunk');
    const count = reader.varint('a number of chunks');
    next = first + count;
    if (first < 0 || count < 1 || !Number.isSafeInteger(next))
      throw reader.invalid(`${count} chunks from ${first} on make no run`, at);
    runs.push({ block, first, count });
  }
  return runs;
};

/**
 * Reads a recipe.
 *
 * @param raw as `unpackRecipe` gives it
 * @param source what it comes from, for errors
 * Throws `DEDUP_FORMAT_INVALID`.
 */
export const decodeRecipe = (raw: Buffer, source: string): Recipe => {
  const reader = new ByteReader(raw, source);
  reader.magic(RECIPE_MAGIC);
  const diffId = reader.id('the diff ID');
  const sizeBytes = reader.u64('the length of the layer');
  const kind = KINDS[reader.u8('the kind of the layer')];
  if (!kind) throw reader.invalid('there is no such kind of layer', reader.at - 1);
  const packCount = reader.count(reader.varint('the number of packs'), ID_BYTES, 'packs');
  const packs = Array.from({ length: packCount }, () => reader.id('the ID of a pack'));
  const blocks = readBlocks(reader, packs.length);
  const runs = readRuns(reader, blocks.length);
  const columns = reader.bytes(reader.varint('the length of the shape'), 'the shape');
  reader.end();
  return { diffId, sizeBytes, packs, blocks, runs, shape: { kind, columns } };
};
