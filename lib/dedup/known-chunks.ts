import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { BlockSlot } from './block-slot.ts';
import { decodePackIndex, type IndexedBlock, type PackIndex } from './format/index.ts';
import { packIndexPath } from './paths.ts';
import type { DedupParts } from './types.ts';

/** Where a content is: its block, and its number in there. */
export interface ChunkPlace {
  readonly slot: BlockSlot;
  readonly chunk: number;
}

/** Where contents are that the store has, or is about to have. */
export interface KnownChunks {
  /** By digest: the place that was added first. */
  find(key: string): ChunkPlace | undefined;
  add(key: string, slot: BlockSlot, chunk: number): void;
  /** Where the content of a place that {@link find} gave is besides. */
  othersOf(place: ChunkPlace): readonly ChunkPlace[];
  /** A block that packs in the store have, by its ID. */
  slotOf(id: string): BlockSlot | undefined;
  /** Of such a block, the lengths of its chunks. */
  lengthsOf(slot: BlockSlot): Uint32Array | undefined;
  addSlot(slot: BlockSlot, lengths: Uint32Array): void;
}

/** A block never has more chunks, so that both numbers fit into one. */
export const MOST_CHUNKS_IN_BLOCK = 65_536;

/** Makes an empty table. */
export const createKnownChunks = (): KnownChunks => {
  const places = new Map<string, number>();
  const slots: BlockSlot[] = [];
  const numbers = new Map<BlockSlot, number>();
  const byId = new Map<string, BlockSlot>();
  const lengthsOf = new Map<BlockSlot, Uint32Array>();
  /** By the first place of a content: few contents have others. */
  const others = new Map<number, ChunkPlace[]>();
  const numberOf = (slot: BlockSlot): number => {
    const known = numbers.get(slot);
    if (known !== undefined) return known;
    numbers.set(slot, slots.length);
    return slots.push(slot) - 1;
  };
  const placeOf = (slot: BlockSlot, chunk: number): number => numberOf(slot) * MOST_CHUNKS_IN_BLOCK + chunk;
  return {
    slotOf: (id) => byId.get(id),
    lengthsOf: (slot) => lengthsOf.get(slot),
    addSlot(slot, lengths) {
      byId.set(slot.id, slot);
      lengthsOf.set(slot, lengths);
    },
    othersOf: ({ slot, chunk }) => others.get(placeOf(slot, chunk)) ?? [],
    find(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      const slot = slots[Math.floor(place / MOST_CHUNKS_IN_BLOCK)];
      return slot && { slot, chunk: place % MOST_CHUNKS_IN_BLOCK };
    },
    add(key, slot, chunk) {
      const first = places.get(key);
      if (first === undefined) places.set(key, placeOf(slot, chunk));
      else others.set(first, [...(others.get(first) ?? []), { slot, chunk }]);
    },
  };
};

const REQUESTS_AT_ONCE = 8;

/** Indexes are some megabytes at most: 64 MiB of one-byte files would still stay below. */
export const MOST_INDEX_BYTES = 256 * 1024 * 1024;

/** An index that is at the wrong place would lead to the wrong bytes. */
const decodeIndex = (bytes: Buffer, pack: string, path: string): PackIndex => {
  const index = decodePackIndex(bytes, path);
  if (index.packId === pack) return index;
  throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: `the pack of ${path}`, expected: pack, found: index.packId });
};

/** A pack's index; undefined when it is missing or damaged, which costs space and no more. */
const readIndex = async ({ store, chunkStore, log }: DedupParts, pack: string): Promise<PackIndex | undefined> => {
  const path = packIndexPath(pack);
  const kept = await chunkStore?.readIndex(pack);
  if (kept) {
    try {
      return decodeIndex(kept, pack, path);
    } catch (error) {
      log.warn(`${(error as Error).message} This machine kept it so: fetching it again.`);
      await chunkStore?.dropIndex(pack);
    }
  }
  const bytes = await store.readBytes(path, MOST_INDEX_BYTES);
  if (!bytes) {
    log.warn(`The cache has no ${path}: what that pack holds is sent again.`);
    return undefined;
  }
  try {
    const index = decodeIndex(bytes, pack, path);
    await chunkStore?.keepIndex(pack, bytes);
    return index;
  } catch (error) {
    log.warn(`${(error as Error).message} What that pack holds is sent again; 'cache repair' mends the index.`);
    return undefined;
  }
};

/**
 * Adds what packs have. The index of a pack is taken from this machine if it is there.
 *
 * @param preferred IDs of the blocks that the last image of the name was made of: of several places of a content, the one in there. What was stored
 *   again would be found at its old place otherwise, and stored once more.
 */
export const learnPacks = async (
  parts: DedupParts,
  packs: readonly string[],
  known: KnownChunks,
  preferred: ReadonlySet<string>,
): Promise<void> => {
  const indexes = await inParallel(packs, REQUESTS_AT_ONCE, (pack) => readIndex(parts, pack));
  const found = new Map<string, { readonly block: IndexedBlock; readonly pack: string }>();
  for (const [at, index] of indexes.entries()) {
    for (const block of index?.blocks ?? [])
      if (!found.has(block.id)) found.set(block.id, { block, pack: packs[at] ?? '' });
  }
  const blocks = [...found.values()];
  // Those that others build on first.
  for (const { block, pack } of [
    ...blocks.filter((one) => one.block.bases.length === 0),
    ...blocks.filter((one) => one.block.bases.length > 0),
  ]) {
    const { id, offset, recordBytes, rawBytes, chunks } = block;
    const bases = block.bases.flatMap((base) => known.slotOf(base) ?? []);
    // What it builds on is in none of these packs, so nobody may refer to it.
    if (bases.length < block.bases.length) continue;
    const slot = { id, pack, offset, recordBytes, rawBytes, bases };
    known.addSlot(
      slot,
      Uint32Array.from(chunks, ({ length }) => length),
    );
  }
  for (const { block } of [
    ...blocks.filter((one) => preferred.has(one.block.id)),
    ...blocks.filter((one) => !preferred.has(one.block.id)),
  ]) {
    const slot = known.slotOf(block.id);
    if (slot) for (const [at, { key }] of block.chunks.entries()) known.add(key, slot, at);
  }
};
