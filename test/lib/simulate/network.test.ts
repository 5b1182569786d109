import { describe, expect, test } from '@jest/globals';
import { createClock } from '../../../lib/simulate/clock.ts';
import { createHeap } from '../../../lib/simulate/heap.ts';
import { createLink } from '../../../lib/simulate/link.ts';
import { createNetwork } from '../../../lib/simulate/network.ts';
import { makeRandom, nextAfter } from '../../../lib/simulate/random.ts';
import { fc } from '../../helpers/fast-check.ts';

test('a heap gives what was put in, smallest first, and equals in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (keys) => {
      const heap = createHeap<number>();
      for (const [position, key] of keys.entries()) heap.put(key, position);
      const taken = keys.map(() => heap.take() as number);
      const sorted = [...keys.keys()].sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
      expect(taken).toEqual(sorted);
      expect(heap.nextKey()).toBe(Number.POSITIVE_INFINITY);
    }),
  );
});

test('the same seed gives the same numbers, evenly between 0 and 1', () => {
  const [one, other] = [makeRandom(7), makeRandom(7)];
  const numbers = Array.from({ length: 10_000 }, () => one());
  expect(numbers).toEqual(Array.from({ length: 10_000 }, () => other()));
  expect(makeRandom(8)()).not.toBe(numbers[0]);
  const inTenths = Map.groupBy(numbers, (number) => Math.floor(number * 10));
  expect([...inTenths.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const tenth of inTenths.values()) expect(Math.abs(tenth.length - 1000)).toBeLessThan(150);
});

describe('a link', () => {
  test('spreads traffic over its columns and finds the busiest window', () => {
    const link = createLink('line', 100);
    link.count(150, 450, 3000);
    link.count(900, 1200, 600);
    expect(link.total()).toBe(3600);
    expect([link.between(0, 300), link.between(300, 600), link.between(600, 1200)]).toEqual([1500, 1500, 600]);
    expect(link.peak(300, 0, 1200)).toBe(1500);
    expect(link.peak(600, 0, 1200)).toBe(3000);
    expect(link.peak(600, 600, 1200)).toBe(600);
  });
});

describe('a network', () => {
  const endsOf = (send: (network: ReturnType<typeof createNetwork>, ended: (name: string) => () => void) => void) => {
    const clock = createClock();
    const network = createNetwork(clock, 100);
    const ends: Record<string, number> = {};
    send(network, (name) => () => {
      ends[name] = Math.round(clock.now() * 1000) / 1000;
    });
    clock.runUntil(1_000_000);
    expect(network.active()).toBe(0);
    return ends;
  };

  test('gives one transfer its own line at most, and shares a narrow link', () => {
    const wide = createLink('wide', 1000);
    const narrow = createLink('narrow', 150);
    expect(endsOf((network, ended) => network.send(1000, [wide], ended('alone')))).toEqual({ alone: 10 });
    const shared = endsOf((network, ended) => {
      network.send(750, [narrow], ended('a'));
      network.send(1500, [narrow], ended('b'));
    });
    // 75 each until the first has its 750 after 10 s; the second has 750 left, and its own line of 100.
    expect(shared).toEqual({ a: 10, b: 17.5 });
  });

  test('gives what a transfer cannot use, because another link is narrow, to the others', () => {
    const server = createLink('server', 150);
    const site = createLink('site', 30);
    const ends = endsOf((network, ended) => {
      network.send(300, [server, site], ended('far'));
      network.send(1000, [server], ended('near'));
    });
    expect(ends).toEqual({ far: 10, near: 10 });
  });

  test('has nothing to do for nothing', () => {
    expect(endsOf((network, ended) => network.send(0, [createLink('line', 1)], ended('nothing')))).toEqual({
      nothing: 0,
    });
  });

  test('loses no byte, makes none, and no link is more than full', () => {
    const transfer = fc.record({
      atSeconds: fc.integer({ min: 0, max: 3000 }),
      bytes: fc.integer({ min: 1, max: 100_000 }),
      path: fc.constantFrom<('a' | 'b' | 'c')[]>(['a'], ['b'], ['a', 'b'], ['a', 'c'], ['c']),
    });
    fc.assert(
      fc.property(fc.array(transfer, { maxLength: 40 }), (transfers) => {
        const clock = createClock();
        const network = createNetwork(clock, 90);
        const links = { a: createLink('a', 200), b: createLink('b', 120), c: createLink('c', 35) };
        let ended = 0;
        for (const { atSeconds, bytes, path } of transfers) {
          const over = path.map((name) => links[name]);
          clock.at(atSeconds, () => {
            const begun = clock.now();
            const least = Math.min(90, ...over.map((link) => link.bytesPerSecond));
            network.send(bytes, over, () => {
              ended += 1;
              expect(clock.now() - begun).toBeGreaterThanOrEqual((bytes - 2) / least);
            });
          });
        }
        clock.runUntil(1_000_000);
        expect(ended).toBe(transfers.length);
        for (const name of ['a', 'b', 'c'] as const) {
          const link = links[name];
          const wanted = transfers.filter(({ path }) => path.includes(name)).reduce((sum, { bytes }) => sum + bytes, 0);
          expect(Math.abs(link.total() - wanted)).toBeLessThanOrEqual(2 * transfers.length);
          expect(link.peak(300, 0, 60_000)).toBeLessThanOrEqual(link.bytesPerSecond * 300 * 1.0001);
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each([0.3, 0.6, 0.8])(
    'that is %d full serves transfers that come by chance in the time that the theory of shared queues says',
    (load) => {
      const clock = createClock();
      const network = createNetwork(clock, 1000);
      const link = createLink('line', 1000);
      const random = makeRandom(1);
      const bytes = 10_000;
      const perSecond = (load * 1000) / bytes;
      const endSeconds = 600_000;
      let [sum, ended] = [0, 0];
      for (let at = nextAfter(random, perSecond); at < endSeconds; at += nextAfter(random, perSecond)) {
        clock.at(at, () => {
          const begun = clock.now();
          network.send(bytes, [link], () => {
            sum += clock.now() - begun;
            ended += 1;
          });
        });
      }
      clock.runUntil(endSeconds);
      // M/D/1 with processor sharing: the mean time is that of an empty line divided by what is free.
      const expected = bytes / 1000 / (1 - load);
      expect(Math.abs(sum / ended - expected) / expected).toBeLessThan(0.1);
      expect(Math.abs(link.total() / 1000 / endSeconds - load)).toBeLessThan(0.02);
    },
  );
});
