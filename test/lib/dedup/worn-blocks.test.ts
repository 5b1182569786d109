import { describe, expect, test } from '@jest/globals';
import { type BlockSlot, emptySlot } from '../../../lib/dedup/block-slot.ts';
import { createKnownChunks } from '../../../lib/dedup/known-chunks.ts';
import { moveRuns } from '../../../lib/dedup/slot-runs.ts';
import { findWornBlocks, usedBlocksOf } from '../../../lib/dedup/worn-blocks.ts';

const block = (rawBytes: number, bases: readonly BlockSlot[] = []): BlockSlot => ({ ...emptySlot(), rawBytes, bases });
const used = (slot: BlockSlot, bytes: number) => ({ slot, bytes, chunks: new Set([0]) });
const wornOf = (...blocks: Parameters<typeof used>[]) =>
  findWornBlocks(
    blocks.map((one) => used(...one)),
    new Set(),
  );

describe('a block is worn', () => {
  test('when the image has use for less than a third of it', () => {
    const [little, enough, all] = [block(300), block(300), block(300)];
    expect(wornOf([little, 99], [enough, 100], [all, 300])).toEqual(new Set([little]));
  });

  test('not when enough is a difference to it; what is one to several needs each of them', () => {
    const [base, other] = [block(300), block(300)];
    expect(wornOf([block(300, [base, other]), 150])).toEqual(new Set());
    expect(wornOf([block(210, [base, other]), 75], [base, 25])).toEqual(new Set([other]));
  });

  test('not when it is fetched all the same', () => {
    const little = block(300);
    expect(findWornBlocks([used(little, 1)], new Set([little]))).toEqual(new Set());
  });
});

describe('what an image uses', () => {
  const known = createKnownChunks();
  const [stored, other, made] = [block(60), block(60), block(60)];
  known.addSlot(stored, Uint32Array.of(10, 20, 30));
  known.addSlot(other, Uint32Array.of(60));

  test('counts a content once however often it comes, and no blocks that are being made', () => {
    const runs = [
      { slot: stored, first: 0, count: 2 },
      { slot: made, first: 0, count: 1 },
      { slot: stored, first: 1, count: 1 },
    ];
    expect([...usedBlocksOf(runs, known).values()]).toEqual([{ slot: stored, bytes: 30, chunks: new Set([0, 1]) }]);
  });

  test('is found at the place that was added first, and the others are remembered', () => {
    for (const [slot, chunk] of [
      [stored, 1],
      [other, 0],
      [made, 0],
    ] as const)
      known.add('key', slot, chunk);
    expect(known.find('key')).toEqual({ slot: stored, chunk: 1 });
    expect(known.othersOf({ slot: stored, chunk: 1 })).toEqual([
      { slot: other, chunk: 0 },
      { slot: made, chunk: 0 },
    ]);
    expect(known.othersOf({ slot: stored, chunk: 2 })).toEqual([]);
  });

  test('keeps its order when some of it moves', () => {
    const moved = new Map([
      [
        stored,
        new Map([
          [1, { slot: made, chunk: 7 }],
          [2, { slot: made, chunk: 8 }],
        ]),
      ],
    ]);
    const runs = [
      { slot: stored, first: 0, count: 3 },
      { slot: other, first: 0, count: 1 },
    ];
    expect(moveRuns(runs, moved)).toEqual([
      { slot: stored, first: 0, count: 1 },
      { slot: made, first: 7, count: 2 },
      { slot: other, first: 0, count: 1 },
    ]);
  });
});
