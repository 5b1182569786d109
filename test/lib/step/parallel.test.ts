import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { mapInParallel } from '../../../lib/step/parallel.ts';

describe('mapInParallel', () => {
  it('keeps the order of the results and the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapInParallel([30, 1, 20, 2], 2, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(ms);
      running -= 1;
      return ms * 2;
    });
    expect([results, most]).toEqual([[60, 2, 40, 4], 2]);
  });

  it('fails with the first failure', async () => {
    await expect(mapInParallel([1, 2], 2, (item) => Promise.reject(new Error(`item ${item}`)))).rejects.toThrow(
      'item 1',
    );
  });
});
