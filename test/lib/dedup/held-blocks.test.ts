import { describe, expect, test } from '@jest/globals';
import { createHeldBlocks, type DecodedBlock } from '../../../lib/dedup/held-blocks.ts';

const MIB = 1024 * 1024;

const hold = () => {
  const freed: DecodedBlock[] = [];
  const loaded: number[] = [];
  const held = createHeldBlocks((block) => freed.push(block));
  const take = (number: number, bytes = MIB) =>
    held.take(number, async () => {
      loaded.push(number);
      return { raw: Buffer.alloc(bytes), starts: [] };
    });
  return { held, freed, loaded, take };
};

describe('a block', () => {
  test('is loaded once for all who take it, and kept when they have given it back', async () => {
    const { held, freed, loaded, take } = hold();
    const [one, two] = await Promise.all([take(1), take(1)]);
    expect(one).toBe(two);
    held.give(one);
    held.give(two);
    expect(await take(1)).toBe(one);
    expect([loaded, freed]).toEqual([[1], []]);
  });

  test('that is forgotten is freed when the last one gives it back', async () => {
    const { held, freed, take } = hold();
    const block = await take(1);
    await take(1);
    held.forget(1);
    held.give(block);
    expect(freed).toEqual([]);
    held.give(block);
    expect(freed).toEqual([block]);
  });

  test('goes when there is no room, the one that was taken longest ago first; in use it is not freed', async () => {
    const { held, freed, loaded, take } = hold();
    const [used, idle, last] = [await take(1, 40 * MIB), await take(2, 40 * MIB), await take(3, MIB)];
    held.give(idle);
    held.give(last);
    held.give(await take(3));
    await take(4, 80 * MIB);
    expect(freed).toEqual([idle]);
    // Another one than the first user has, who still has it.
    const again = await take(1, MIB);
    expect(again).not.toBe(used);
    expect(loaded).toEqual([1, 2, 3, 4, 1]);
    held.give(used);
    expect(freed).toEqual([idle, used]);
    held.give(again);
    expect(freed).toEqual([idle, used]);
  });
});
