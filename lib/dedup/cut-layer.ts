import type { BlockSlot } from './block-slot.ts';
import type { Recipe, RecipeBlock } from './format/index.ts';
import type { OlderLayer } from './older-layers.ts';
import type { SlotRun } from './slot-runs.ts';

/** A layer whose contents are in the store, or on their way there. */
export interface CutLayer {
  readonly diffId: string;
  readonly sizeBytes: number;
  readonly shape: Recipe['shape'];
  readonly runs: readonly SlotRun[];
  /** The layer of the last image that its recipe is stored as a difference to. */
  readonly older: OlderLayer | undefined;
}

/** The recipe of a layer, once all its blocks have their places. */
export const recipeOf = ({ diffId, sizeBytes, shape, runs }: CutLayer): Recipe => {
  const packs: string[] = [];
  const blocks: RecipeBlock[] = [];
  const packNumbers = new Map<string, number>();
  const blockNumbers = new Map<string, number>();
  const packOf = (pack: string): number => {
    const known = packNumbers.get(pack);
    if (known !== undefined) return known;
    packNumbers.set(pack, packs.length);
    return packs.push(pack) - 1;
  };
  const blockOf = ({ id, pack, offset, recordBytes, rawBytes, bases }: BlockSlot): number => {
    const known = blockNumbers.get(id);
    if (known !== undefined) return known;
    const number = blocks.push({ id, pack: packOf(pack), offset, recordBytes, rawBytes }) - 1;
    blockNumbers.set(id, number);
    for (const base of bases) blockOf(base);
    return number;
  };
  return {
    diffId,
    sizeBytes,
    packs,
    blocks,
    runs: runs.map(({ slot, first, count }) => ({ block: blockOf(slot), first, count })),
    shape,
  };
};
