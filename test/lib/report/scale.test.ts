import { describe, expect, test } from '@jest/globals';
import { makeTimeScale } from '../../../lib/report/render/scale.ts';
import { fc } from '../../helpers/fast-check.ts';

const minutes = (from: number, to: number) => ({ startedMs: from * 60_000, endedMs: to * 60_000 });

describe('a time axis', () => {
  test('is even, with round ticks, when there is no long wait', () => {
    const scale = makeTimeScale([minutes(0, 4), minutes(4, 10)], 1000);
    expect([0, 5, 10].map((at) => Math.round(scale.at(at * 60_000)))).toEqual([0, 500, 1000]);
    expect(scale.gaps).toEqual([]);
    expect(scale.ticks.map(({ afterMs }) => afterMs / 60_000)).toEqual([0, 2, 4, 6, 8, 10]);
  });

  test('a night between two steps takes no more room than needed to see it', () => {
    const scale = makeTimeScale([minutes(0, 4), minutes(700, 710)], 1000);
    expect(scale.gaps).toEqual([{ ...minutes(4, 700), at: expect.any(Number), width: 30 }]);
    expect(scale.at(4 * 60_000)).toBeCloseTo((970 * 4) / 14);
    expect(scale.at(700 * 60_000)).toBeCloseTo((970 * 4) / 14 + 30);
    expect(scale.at(710 * 60_000)).toBeCloseTo(1000);
  });

  test('nothing at all, and something that took no time', () => {
    expect(makeTimeScale([], 1000).at(5)).toBeLessThanOrEqual(1000);
    expect(makeTimeScale([{ startedMs: 7, endedMs: 7 }], 1000).at(7)).toBe(0);
  });

  test('whatever the intervals: time never runs backwards, and all is on the axis', () => {
    const interval = fc
      .tuple(fc.nat(1e9), fc.nat(1e8))
      .map(([from, length]) => ({ startedMs: from, endedMs: from + length }));
    fc.assert(
      fc.property(fc.array(interval, { minLength: 1, maxLength: 20 }), (intervals) => {
        const scale = makeTimeScale(intervals, 800);
        const moments = intervals.flatMap(({ startedMs, endedMs }) => [startedMs, endedMs]).sort((a, b) => a - b);
        const places = moments.map(scale.at);
        for (const [index, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual(-0.001);
          expect(place).toBeLessThanOrEqual(800.001);
          expect(place).toBeGreaterThanOrEqual((places[index - 1] ?? 0) - 0.001);
        }
        expect(scale.ticks.length).toBeLessThan(12);
      }),
    );
  });
});
