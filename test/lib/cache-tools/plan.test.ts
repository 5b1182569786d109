import { describe, expect, test } from '@jest/globals';
import { planCollection, type TrashList } from '../../../lib/cache-tools/gc-plan.ts';
import type { Inventory } from '../../../lib/cache-tools/inventory.ts';
import { judgeVersions, type KeepPolicy, lineOf } from '../../../lib/cache-tools/policy.ts';
import { parseDuration, parseMirrorTarget, parseNumber } from '../../../lib/cache-tools/request.ts';
import type { SurveyedFile } from '../../../lib/cache-tools/types.ts';
import { type CachedVersion, versionFolderOf, versionsOf } from '../../../lib/cache-tools/versions.ts';
import { encodeBlock, PACK_MAGIC } from '../../../lib/dedup/format/index.ts';
import { createPackWalker, scanPack } from '../../../lib/dedup/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const DAY_MS = 24 * 3600_000;
const NOW = Date.UTC(2026, 7, 21);
const file = (path: string, days = 9): SurveyedFile => ({
  path,
  sizeBytes: 1,
  modifiedMs: NOW - days * DAY_MS,
  isLink: false,
});
const id = (digit: string): string => digit.repeat(64);

describe('versions', () => {
  test.each([
    ['containers/4799.0.0-n1/a.id', 'containers/4799.0.0-n1'],
    ['images/amd64/4799.0.0+n1/deep/a', 'images/amd64/4799.0.0+n1'],
    ['boards/amd64-usr/binpkgs/1.0/a', undefined],
    ['boards/amd64-usr/binpkgs/x/1.0.0/a', undefined],
    ['1.0.0/a', undefined],
  ])('the folder of %s is %s', (path, folder) => {
    expect(versionFolderOf(path)).toBe(folder);
  });

  test('folders of one version in both forms belong together', () => {
    const [found, ...more] = versionsOf([file('containers/1.0.0-a/x'), file('images/amd64/1.0.0+a/y', 2), file('x/y')]);
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      version: '1.0.0-a',
      folders: ['containers/1.0.0-a', 'images/amd64/1.0.0+a'],
      sizeBytes: 2,
      newestMs: NOW - 2 * DAY_MS,
    });
  });

  test.each([
    ['4799.2.0', 'releases 2'],
    ['4593.3.1', 'releases lts 4593'],
    ['4799.0.0-nightly-20260821-2100', 'nightly 0'],
    ['4799.0.0-github-pr-12-2026_08_21__10_00_00', 'pull requests 0'],
    ['4799.0.0-mine', 'builds 0'],
  ])('%s counts among %s', (version, line) => {
    expect(lineOf(version)).toBe(line);
  });

  const version = (name: string, days: number): CachedVersion => ({
    version: name,
    folders: [],
    files: [],
    sizeBytes: 0,
    newestMs: NOW - days * DAY_MS,
  });
  const all = [
    version('1.0.0-n', 1),
    version('1.2.0', 5),
    version('1.0.0-m', 8),
    version('1.0.0-sdk', 30),
    version('1.2.1', 40),
  ];
  const removed = (policy: Partial<KeepPolicy>, sdks: readonly (readonly [string, string])[] = []): string[] =>
    judgeVersions(all, { keepReleases: true, keep: [], ...policy }, NOW, new Map(sdks))
      .filter(({ remove }) => remove)
      .map((one) => one.version.version);

  test('without a rule none goes, also when some are named', () => {
    expect(removed({})).toEqual([]);
    expect(removed({ keep: ['1.0.0-m'], keepReleases: false })).toEqual([]);
  });

  test('any rule that keeps a version does', () => {
    expect(removed({ keepNewest: 1 })).toEqual(['1.0.0-m', '1.0.0-sdk']);
    expect(removed({ keepNewest: 1, keepDays: 10 })).toEqual(['1.0.0-sdk']);
    expect(removed({ keepNewest: 0, keepReleases: false, keep: ['1.0.0+m'] })).toEqual([
      '1.0.0-n',
      '1.2.0',
      '1.0.0-sdk',
      '1.2.1',
    ]);
  });

  test('the SDK of a kept version stays, and the SDK of that one', () => {
    expect(
      removed({ keepNewest: 1 }, [
        ['1.0.0-n', '1.0.0-m'],
        ['1.0.0-m', '1.0.0-sdk'],
      ]),
    ).toEqual([]);
  });
});

describe('a collection', () => {
  const plan = (
    inventory: Partial<Inventory>,
    more: { needed?: string[]; lists?: TrashList[]; graceMs?: number } = {},
  ) =>
    planCollection({
      inventory: { items: new Map(), trash: new Map(), pointers: [], strange: [], files: [], ...inventory },
      lists: more.lists ?? [],
      needed: new Set(more.needed),
      nowMs: NOW,
      graceMs: more.graceMs ?? DAY_MS,
    });
  const named = (...names: readonly string[]) => new Map(names.map((name) => [name, file(name)]));
  const [a, b] = [`${id('a')}.pack`, `${id('b')}.recipe`];

  test('moves recipes before packs, and nothing that is needed or young', () => {
    const items = new Map([...named(a, b, `${id('c')}.pack`), [`${id('d')}.pack`, file('x', 0.5)] as const]);
    expect(plan({ items }, { needed: [`${id('c')}.pack`] }).move).toEqual([b, a]);
  });

  test('a clock far ahead does not make a file young for ever', () => {
    expect(plan({ items: new Map([[a, file(a, -300)]]) }).move).toEqual([a]);
  });

  test('deletes by the newest list, and what no list names gets its time first', () => {
    const lists = [
      { file: 'old', movedMs: NOW - 3 * DAY_MS, names: [a, b] },
      { file: 'new', movedMs: NOW - DAY_MS / 2, names: [b] },
    ];
    expect(plan({ trash: named(a, b) }, { lists })).toMatchObject({ drop: [a], stamp: [], lists: [] });
    expect(plan({ trash: named(a, b) })).toMatchObject({ drop: [], stamp: [b, a] });
    expect(plan({ trash: named(a, b) }, { lists: lists.slice(0, 1) })).toMatchObject({ drop: [b, a], lists: ['old'] });
  });

  test('what is in the trash and needed comes back, and is not deleted however long it was there', () => {
    const lists = [{ file: 'old', movedMs: 0, names: [a, b] }];
    expect(plan({ trash: named(a, b) }, { lists, needed: [a, b] })).toMatchObject({ drop: [], restore: [a, b] });
    expect(plan({ trash: named(a, b) }, { lists, needed: [a, b], graceMs: 0 })).toMatchObject({
      drop: [],
      restore: [a, b],
    });
  });
});

describe('words', () => {
  test('time spans, numbers, targets', () => {
    expect([parseDuration('--grace', '36h'), parseDuration('--grace', '0'), parseNumber('--keep-days', '7')]).toEqual([
      129_600_000, 0, 7,
    ]);
    for (const wrong of ['', '5', '-1h', '1w', '1.5h'])
      expect(() => parseDuration('--grace', wrong)).toThrow('--grace cannot be');
    expect(parseMirrorTarget('bin@cache2:/srv/c')).toEqual({ server: 'cache2', user: 'bin', pathPrefix: '/srv/c' });
    expect(parseMirrorTarget('cache2:/srv/c')).toEqual({ server: 'cache2', user: undefined, pathPrefix: '/srv/c' });
    expect(parseMirrorTarget('./a:b')).toEqual({ dir: './a:b' });
  });
});

describe('walking over a pack', () => {
  test('sees the same blocks as a scan, however the bytes come', async () => {
    const records: Buffer[] = [];
    for (const size of [1, 5000, 70_000]) {
      const raw = Buffer.alloc(size, `${size}`);
      records.push((await encodeBlock({ lengths: [size], raw }, 3)).record);
    }
    const pack = Buffer.concat([PACK_MAGIC, ...records]);
    async function* whole() {
      yield pack;
    }
    const { blocks } = await scanPack(whole(), 'a pack');
    const expected = blocks.map(({ id: block, offset, recordBytes, rawBytes }) => ({
      id: block,
      offset,
      recordBytes,
      rawBytes,
    }));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (steps) => {
        const walker = createPackWalker('a pack');
        for (let at = 0, turn = 0; at < pack.length; turn += 1) {
          const step = steps[turn % steps.length] as number;
          walker.write(pack.subarray(at, at + step));
          at += step;
        }
        expect(walker.end()).toEqual(expected);
      }),
      { numRuns: 50 },
    );
    for (let length = 0; length < pack.length; length += 1) {
      const isBorder = length >= 8 && [8, ...blocks.map((one) => one.offset + one.recordBytes)].includes(length);
      const walker = createPackWalker('a pack');
      walker.write(pack.subarray(0, length));
      if (isBorder) walker.end();
      else expect(() => walker.end()).toThrow();
    }
  });
});
