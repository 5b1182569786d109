import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { BlockSlot } from './block-slot.ts';
import { decodePackIndex, type PackIndex } from './format/index.ts';
import { packIndexPath } from './paths.ts';
import type { DedupParts } from './types.ts';

/** Where contents are that the store has, or is about to have. */
export interface KnownChunks {
  /** By digest: number of the block and of the chunk in it. */
  find(key: string): { readonly slot: BlockSlot; readonly chunk: number } | undefined;
  add(key: string, slot: BlockSlot, chunk: number): void;
  /** A block that packs in the store have, by its ID. */
  slotOf(id: string): BlockSlot | undefined;
  addSlot(slot: BlockSlot): void;
}

/** A block never has more chunks, so that both numbers fit into one. */
export const MOST_CHUNKS_IN_BLOCK = 65_536;

/** Makes an empty table. */
export const createKnownChunks = (): KnownChunks => {
  const places = new Map<string, number>();
  const slots: BlockSlot[] = [];
  const numbers = new Map<BlockSlot, number>();
  const byId = new Map<string, BlockSlot>();
  const numberOf = (slot: BlockSlot): number => {
    const known = numbers.get(slot);
    if (known !== undefined) return known;
    numbers.set(slot, slots.length);
    return slots.push(slot) - 1;
  };
  return {
    slotOf: (id) => byId.get(id),
    addSlot(slot) {
      byId.set(slot.id, slot);
    },
    find(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      const slot = slots[Math.floor(place / MOST_CHUNKS_IN_BLOCK)];
      return slot && { slot, chunk: place % MOST_CHUNKS_IN_BLOCK };
    },
    add(key, slot, chunk) {
      if (!places.has(key)) places.set(key, numberOf(slot) * MOST_CHUNKS_IN_BLOCK + chunk);
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

/** Adds what packs have. The index of a pack is taken from this machine if it is there. */
export const learnPacks = async (parts: DedupParts, packs: readonly string[], known: KnownChunks): Promise<void> => {
  const indexes = await inParallel(packs, REQUESTS_AT_ONCE, (pack) => readIndex(parts, pack));
  const blocks = indexes.flatMap((index, at) =>
    (index?.blocks ?? []).map((block) => ({ block, pack: packs[at] ?? '' })),
  );
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
    known.addSlot(slot);
    for (const [at, { key }] of chunks.entries()) known.add(key, slot, at);
  }
};
