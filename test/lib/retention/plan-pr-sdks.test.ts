import { expect, test } from '@jest/globals';
import { planPrSdks } from '../../../lib/retention/plan-pr-sdks.ts';

const NOW = new Date('2026-11-21T10:00:00Z');

const removed = (names: string[], keep: number, minAgeDays: number): string[] =>
  planPrSdks(names, { keep, minAgeDays }, NOW).flatMap(({ name, remove }) => (remove ? [name] : []));

test('the forms of both producers and the older one are known, also with a patch of one digit, and sorted by date', () => {
  const names = [
    '4000.0.0-github-2026_01_02__03_04_05',
    '4500.0.0-nightly-20250101-2100-github-2026_01_04__03_04_05',
    '4500.0.0-nightly-20250101-2100-github-PR-1234-2026_01_05__03_04_05',
    '3598.0.0-nightly-20230508-2100-github-pr-12345-2026_01_03__08_06_54',
    '4500.0.10-github-PR-9-2026_01_06__00_00_00',
  ];
  expect(removed(names, 0, 0)).toEqual([names[4], names[2], names[1], names[3], names[0]]);
  expect(removed(names, 3, 0)).toEqual([names[3], names[0]]);
});

test('a day counts whole, and the time orders within it', () => {
  const names = ['07__23_59_59', '08__00_00_00', '08__12_00_00'].map((at) => `1.2.3-github-2026_11_${at}`);
  expect(removed(names, 0, 14)).toEqual([names[0]]);
  expect(removed(names, 1, 0)).toEqual([names[1], names[0]]);
});

test('other names do not count; those without a readable date stay', () => {
  const names = [
    '4593.0.0',
    '4593.0.0-nightly-20250101-2100',
    '1.2.3-github-foo',
    '1.2.3-github-PR-x-2020_01_02__03_04_05',
    'x-github-2020_01_02__03_04_05',
    '.1.2.3-github-2020_01_02__03_04_05',
    '1.2.3-github-2020_01_02__03_04_05.tmp',
  ];
  expect(planPrSdks(names, { keep: 0, minAgeDays: 0 }, NOW)).toEqual(
    [names[2], names[3], names[4], names[6]].map((name) => ({ name, remove: false, why: 'its name has no date' })),
  );
});
