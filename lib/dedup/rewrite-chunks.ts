import { hash } from 'node:crypto';
import type { BaseBlocks } from './base-blocks.ts';
import type { BlockSlot } from './block-slot.ts';
import type { BlockWriter } from './block-writer.ts';
import type { ChunkPlace, KnownChunks } from './known-chunks.ts';
import type { UsedBlock } from './worn-blocks.ts';

/** What storing contents again works with. */
export interface RewriteParts {
  readonly known: KnownChunks;
  readonly bases: BaseBlocks;
  readonly blocks: BlockWriter;
  readonly signal?: AbortSignal | undefined;
}

/** Differences to the same blocks come together, and what is none at the end: one base more is a block more to fetch. */
const byBases = (a: UsedBlock, b: UsedBlock): number => {
  const [first, second] = [a, b].map(({ slot }) => slot.bases.map(({ id }) => id).join() || 'none');
  return (first as string) < (second as string) ? -1 : Number(first !== second);
};

/**
 * Stores again what an image takes from some blocks. A content that is at another place of which the image has use anyway is found there instead; a block
 * that cannot be read stays where it is.
 *
 * @param leaving those blocks
 * @param isGood whether another block may be used
 * @returns the new places, by block and number of the chunk in it, and how many bytes were stored again
 */
export const rewriteChunks = async (
  { known, bases, blocks, signal }: RewriteParts,
  leaving: readonly UsedBlock[],
  isGood: (slot: BlockSlot) => boolean,
): Promise<{ readonly moved: Map<BlockSlot, Map<number, ChunkPlace>>; readonly bytes: number }> => {
  const moved = new Map<BlockSlot, Map<number, ChunkPlace>>();
  let bytes = 0;
  for (const { slot, chunks } of [...leaving].sort(byBases)) {
    signal?.throwIfAborted();
    const places = new Map<number, ChunkPlace>();
    moved.set(slot, places);
    for (const chunk of chunks) {
      const other = known.othersOf({ slot, chunk }).find((place) => isGood(place.slot));
      if (other) places.set(chunk, other);
    }
    const raw = places.size < chunks.size ? await bases.read(slot) : undefined;
    if (!raw) continue;
    let at = 0;
    for (const [chunk, length] of (known.lengthsOf(slot) ?? new Uint32Array()).entries()) {
      const data = raw.subarray(at, at + length);
      at += length;
      if (!chunks.has(chunk) || places.has(chunk)) continue;
      places.set(chunk, blocks.add(hash('sha256', data, 'binary'), data, { bases: slot.bases }));
      bytes += length;
    }
    await blocks.ready();
  }
  return { moved, bytes };
};
