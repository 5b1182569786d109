import { describe, expect, test } from '@jest/globals';
import { plainLine } from '../../../lib/report/index.ts';
import { OutputKeeper } from '../../../lib/report/model/output.ts';
import { fc } from '../../helpers/fast-check.ts';

const keep = (count: number, limits = { head: 3, tail: 4 }) => {
  const keeper = new OutputKeeper(limits);
  for (let line = 1; line <= count; line += 1) keeper.add(String(line));
  return keeper;
};

describe('what is kept of an output', () => {
  test('all of a short one', () => {
    expect(keep(0).model()).toEqual({ lines: 0, head: [], tail: [], leftOut: 0 });
    expect(keep(7).model()).toEqual({ lines: 7, head: ['1', '2', '3'], tail: ['4', '5', '6', '7'], leftOut: 0 });
  });

  test('beginning and end of a long one, and how much is between', () => {
    expect(keep(100_000).model()).toEqual({
      lines: 100_000,
      head: ['1', '2', '3'],
      tail: ['99997', '99998', '99999', '100000'],
      leftOut: 99_993,
    });
  });

  test('whatever its length: nothing is lost without being counted, and the order stays', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(5), fc.integer({ min: 1, max: 9 }), fc.boolean(), (count, head, tail, shrinks) => {
        const keeper = keep(count, { head, tail });
        if (shrinks) keeper.shrinkTo({ head: 1, tail: 2 });
        const model = keeper.model();
        const kept = [...model.head, ...model.tail].map(Number);
        expect(kept.length + model.leftOut).toBe(count);
        expect(kept).toEqual(kept.toSorted((a, b) => a - b));
        expect(new Set(kept).size).toBe(kept.length);
        if (count > 0) expect(kept.at(-1)).toBe(count);
        if (shrinks) expect(kept.length).toBeLessThanOrEqual(3);
      }),
    );
  });

  test('what comes after it was shrunk is kept as little', () => {
    const keeper = keep(50);
    keeper.shrinkTo({ head: 1, tail: 2 });
    keeper.add('51');
    expect(keeper.model()).toEqual({ lines: 51, head: ['1'], tail: ['50', '51'], leftOut: 48 });
  });
});

describe('a line', () => {
  test.each([
    ['plain', 'plain'],
    ['\u001b[1;31mred\u001b[0m text', 'red text'],
    ['\u001b]0;title\u0007seen', 'seen'],
    ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['10 %\r20 %\r100 %', '100 %'],
    ['done\r', 'done'],
    ['tab\there  ', 'tab\there'],
  ])('%j is seen as %j', (line, seen) => {
    expect(plainLine(line)).toBe(seen);
  });

  test('that does not end is cut', () => {
    expect(plainLine('x'.repeat(10_000))).toBe(`${'x'.repeat(2000)} … (8000 more characters)`);
  });
});
