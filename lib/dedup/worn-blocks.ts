import type { BlockSlot } from './block-slot.ts';
import type { KnownChunks } from './known-chunks.ts';
import type { SlotRun } from './slot-runs.ts';

/** A block of the store, and what an image takes of it. */
export interface UsedBlock {
  readonly slot: BlockSlot;
  /** Numbers of its chunks. */
  readonly chunks: ReadonlySet<number>;
  readonly bytes: number;
}

/**
 * Of a block that an image needs, the part that the image should have use for. A reader fetches whole blocks, so that at a third it fetches three times
 * as much at worst, and a block that lost its contents little by little costs the store half as much again when the rest is stored anew.
 */
const WORN_SHARE = 1 / 3;

/** What runs take of blocks of the store; blocks that are being made are left out. */
export const usedBlocksOf = (runs: Iterable<SlotRun>, known: KnownChunks): Map<BlockSlot, UsedBlock> => {
  const chunksOf = new Map<BlockSlot, Set<number>>();
  for (const { slot, first, count } of runs) {
    if (!known.lengthsOf(slot)) continue;
    const chunks = chunksOf.get(slot) ?? new Set();
    chunksOf.set(slot, chunks);
    for (let at = first; at < first + count; at += 1) chunks.add(at);
  }
  const used = new Map<BlockSlot, UsedBlock>();
  for (const [slot, chunks] of chunksOf) {
    const lengths = known.lengthsOf(slot);
    let bytes = 0;
    for (const chunk of chunks) bytes += lengths?.[chunk] ?? 0;
    used.set(slot, { slot, chunks, bytes });
  }
  return used;
};

/**
 * Finds the blocks of which an image has too little use: of their contents, and of the differences to them. What it takes of a difference counts for each of
 * its bases: with a share for each, bases were left that the next kernel had use for.
 *
 * @param pinned blocks that are fetched all the same
 */
export const findWornBlocks = (used: Iterable<UsedBlock>, pinned: ReadonlySet<BlockSlot>): Set<BlockSlot> => {
  const useOf = new Map<BlockSlot, number>();
  const count = (slot: BlockSlot, bytes: number): void => void useOf.set(slot, (useOf.get(slot) ?? 0) + bytes);
  for (const { slot, bytes } of used) {
    count(slot, bytes);
    for (const base of slot.bases) count(base, bytes);
  }
  const worn = new Set<BlockSlot>();
  for (const [slot, bytes] of useOf) if (!pinned.has(slot) && bytes < slot.rawBytes * WORN_SHARE) worn.add(slot);
  return worn;
};
