import type { BlockPlace } from './types.ts';

/** One request: neighbouring blocks of one pack. */
export interface RangePlan {
  readonly pack: string;
  readonly offset: number;
  length: number;
  /** Numbers of the blocks in the recipe. */
  readonly blocks: number[];
  /** Bytes between the blocks. */
  gapBytes: number;
}

/** A request more costs a round trip; so many bytes more cost less on most lines. */
const MOST_GAP_BYTES = 128 * 1024;

/** So much is lost, or waited for, at most. */
const MOST_RANGE_BYTES = 8 * 1024 * 1024;

/**
 * Plans the requests for blocks.
 *
 * @param blocks the blocks of the recipe
 * @param wanted numbers of those to fetch, in the order in which they are needed
 * @returns the requests, in the order of their first blocks
 */
export const planRanges = (blocks: readonly BlockPlace[], wanted: readonly number[]): RangePlan[] => {
  const plans: RangePlan[] = [];
  const openOf = new Map<string, RangePlan>();
  for (const number of wanted) {
    const { pack, offset, recordBytes } = blocks[number] as BlockPlace;
    const open = openOf.get(pack);
    const gap = open ? offset - (open.offset + open.length) : -1;
    if (open && gap >= 0 && gap <= MOST_GAP_BYTES && open.length + gap + recordBytes <= MOST_RANGE_BYTES) {
      open.length += gap + recordBytes;
      open.gapBytes += gap;
      open.blocks.push(number);
      continue;
    }
    const plan = { pack, offset, length: recordBytes, blocks: [number], gapBytes: 0 };
    openOf.set(pack, plan);
    plans.push(plan);
  }
  return plans;
};
