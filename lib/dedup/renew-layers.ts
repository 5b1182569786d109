import type { BaseBlocks } from './base-blocks.ts';
import type { BlockSlot } from './block-slot.ts';
import type { BlockWriter } from './block-writer.ts';
import type { CutLayer } from './cut-layer.ts';
import type { Recipe } from './format/index.ts';
import type { KnownChunks } from './known-chunks.ts';
import { rewriteChunks } from './rewrite-chunks.ts';
import { moveRuns, type SlotRun } from './slot-runs.ts';
import { findWornBlocks, usedBlocksOf } from './worn-blocks.ts';

/** What renewing works with. */
export interface RenewParts {
  readonly known: KnownChunks;
  readonly bases: BaseBlocks;
  readonly blocks: BlockWriter;
  /** IDs of the blocks that a reader fetches for the other layers of the image. */
  readonly fixed: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

/** IDs of the blocks that have contents of a layer; those that are there to decompress others are left out. */
export const contentBlocksOf = ({ runs, blocks }: Recipe): string[] =>
  [...new Set(runs.map(({ block }) => block))].flatMap((block) => blocks[block]?.id ?? []);

const runsOf = ({ runs, blocks }: Recipe, known: KnownChunks): SlotRun[] =>
  runs.flatMap(({ block, first, count }) => {
    const slot = known.slotOf(blocks[block]?.id ?? '');
    return slot ? [{ slot, first, count }] : [];
  });

const slotsOf = (ids: ReadonlySet<string>, known: KnownChunks): Set<BlockSlot> =>
  new Set([...ids].flatMap((id) => known.slotOf(id) ?? []));

/** Blocks that the last image had little use for are about to be left: nothing new is to need them. */
export const retireWornBases = (older: readonly Recipe[], { known, bases, fixed }: RenewParts): void => {
  const runs = older.flatMap((recipe) => runsOf(recipe, known));
  bases.retire(findWornBlocks(usedBlocksOf(runs, known).values(), slotsOf(fixed, known)));
};

/**
 * Keeps what a reader of the image has to fetch near what is in it, however old its contents are: contents in blocks of which it has little use are
 * stored again, in blocks with others of this image.
 *
 * @returns the layers with their contents at the new places, and how many bytes were stored again
 */
export const renewLayers = async (
  cut: readonly CutLayer[],
  parts: RenewParts,
): Promise<{ readonly layers: readonly CutLayer[]; readonly bytes: number }> => {
  const { known, bases, blocks, fixed } = parts;
  // What they are differences to is needed, too.
  await blocks.flush();
  const runs = cut.flatMap((layer) => layer.runs);
  const used = usedBlocksOf(runs, known);
  const pinned = slotsOf(fixed, known);
  for (const { slot } of runs) if (!known.lengthsOf(slot)) for (const base of slot.bases) pinned.add(base);
  const worn = findWornBlocks(used.values(), pinned);
  bases.retire(worn);
  const isLeft = (slot: BlockSlot): boolean =>
    worn.has(slot) || (!pinned.has(slot) && slot.bases.some((base) => worn.has(base)));
  const isGood = (slot: BlockSlot): boolean => (used.has(slot) || pinned.has(slot)) && !isLeft(slot);
  const leaving = [...used.values()].filter(({ slot }) => isLeft(slot));
  const { moved, bytes } = await rewriteChunks(parts, leaving, isGood);
  return { layers: cut.map((layer) => ({ ...layer, runs: moveRuns(layer.runs, moved) })), bytes };
};
