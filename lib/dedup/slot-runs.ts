import type { BlockSlot } from './block-slot.ts';
import type { ChunkPlace } from './known-chunks.ts';

/** Chunks of a block that follow each other in a layer: `count` of them from `first` on. */
export interface SlotRun {
  readonly slot: BlockSlot;
  readonly first: number;
  count: number;
}

/** The layer goes on with a chunk. */
export const appendChunk = (runs: SlotRun[], { slot, chunk }: ChunkPlace): void => {
  const last = runs.at(-1);
  if (last && last.slot === slot && last.first + last.count === chunk) last.count += 1;
  else runs.push({ slot, first: chunk, count: 1 });
};

/** The same contents with some of them at other places. */
export const moveRuns = (
  runs: readonly SlotRun[],
  moved: ReadonlyMap<BlockSlot, ReadonlyMap<number, ChunkPlace>>,
): SlotRun[] => {
  const result: SlotRun[] = [];
  for (const { slot, first, count } of runs) {
    const places = moved.get(slot);
    for (let chunk = first; chunk < first + count; chunk += 1) {
      appendChunk(result, places?.get(chunk) ?? { slot, chunk });
    }
  }
  return result;
};
