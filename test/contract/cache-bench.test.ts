import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { StepCost } from '../bench/cache/measuring/measure.ts';
import { difference, isContent } from '../bench/cache/measuring/stored.ts';
import { rebuild } from '../bench/cache/nights/rebuild.ts';
import { parseOptions, UsageError } from '../bench/cache/options.ts';
import { coldMultiple, publishMs, ratio, seriesMultiple, storedBytes } from '../bench/cache/report/figures.ts';
import type { WayResults } from '../bench/cache/report/results.ts';
import { formatTable, formatValue, targetTable } from '../bench/cache/report/table.ts';
import { rowsOf, verdictOf } from '../bench/cache/report/targets.ts';

const step = (wallMs: number, peakBytes = 0): StepCost => ({
  name: 'step',
  wallMs,
  cpuMs: 0,
  engineCpuMs: 0,
  machineCpuMs: 0,
  peakProcessBytes: peakBytes,
  peakProcess: 'node',
  peakTreeBytes: peakBytes,
  load: 0,
});
const bytes = (contentBytes: number, indexBytes = 0) => ({ contentBytes, indexBytes, files: 1 });
const published = (wallMs: number, stored: ReturnType<typeof bytes>, peakBytes = 0) => [
  {
    image: 'sdk',
    steps: [step(wallMs / 2, peakBytes), step(wallMs / 2)],
    stored,
    served: { requests: 0, contentBytes: 0, indexBytes: 0 },
  },
];
const fetched = (wallMs: number, contentBytes: number, requests: number) => ({
  image: 'packages',
  steps: [step(wallMs)],
  served: { requests, contentBytes, indexBytes: 0 },
});

const plain: WayResults = {
  nights: { first: published(1000, bytes(2_000_000)), touched: published(1000, bytes(2_000_000)) },
  fetches: { cold: fetched(500, 2_000_000, 1), 'built yesterday': fetched(500, 2_000_000, 1) },
  series: [{ night: 1, kind: 'first', publishMs: 1, stored: bytes(100), total: bytes(100) }],
};
const ours: WayResults = {
  nights: { first: published(700, bytes(1_000_000, 40_000), 300_000_000), touched: published(410, bytes(0, 900_000)) },
  fetches: { cold: fetched(500, 1_000_000, 20), 'built yesterday': fetched(100, 40_000, 51) },
  series: [{ night: 50, kind: 'kernel', publishMs: 1, stored: bytes(5), total: bytes(250, 60) }],
};
const verdicts = Object.fromEntries(rowsOf(plain, ours).map(({ figure, verdict }) => [figure, verdict]));

describe('the figures of the cache benchmark', () => {
  test('sum over images and steps, and count indexes as stored', () => {
    expect(publishMs(ours, 'first')).toBe(700);
    expect(storedBytes(ours, 'first')).toBe(1_040_000);
    expect(difference(bytes(3, 2), bytes(10, 4))).toEqual({ contentBytes: 7, indexBytes: 2, files: 0 });
  });

  test('compare what a new worker downloads with the first night', () => {
    const nightOf = (night: number, cold: number) => ({
      ...{ night, kind: 'kernel' as const, publishMs: 1, stored: bytes(5), total: bytes(5) },
      cold: fetched(1, cold, 9),
    });
    expect(coldMultiple({ nights: {}, fetches: {}, series: [nightOf(1, 100), nightOf(200, 150)] }, 200)).toBe(1.5);
  });

  test('are nothing where nothing was measured, never 0', () => {
    expect(publishMs(ours, 'kernel')).toBeUndefined();
    expect(ratio(undefined, 5)).toBeUndefined();
    expect(ratio(5, undefined)).toBeUndefined();
    expect(ratio(5, 0)).toBeUndefined();
    expect(seriesMultiple(plain, 50, bytes(100))).toBeUndefined();
    expect(coldMultiple(ours, 50)).toBeUndefined();
  });

  test('tell contents from what is needed to find them', () => {
    expect(['dedup/v1/packs/a.pack', 'containers/1/x-1.tar.zst'].map(isContent)).toEqual([true, true]);
    expect(['a.idx', 'a.recipe', 'x.tar.zst.DIGESTS', 'x.id', 'x.image.json'].some(isContent)).toBe(false);
  });
});

describe('the verdict on a figure', () => {
  test.each([
    [0.52, 0.6, 0.52, 'stretch'],
    [0.53, 0.6, 0.52, 'must'],
    [0.6, 0.6, 0.52, 'must'],
    [0.601, 0.6, 0.52, 'missed'],
    [1, 1, undefined, 'must'],
    [0, 0, undefined, 'must'],
    [undefined, 0.6, 0.52, 'none'],
    [Number.NaN, 0.6, 0.52, 'none'],
  ] as const)('%d against must %d, stretch %p: %s', (value, must, stretch, expected) => {
    expect(verdictOf(value, must, stretch)).toBe(expected);
  });

  test('is there for every target of the table', () => {
    expect(verdicts).toMatchObject({
      'stored, SDK + packages, first night': 'stretch',
      'stored, touched night': 'must',
      'stored, touched night, new contents': 'must',
      'stored, userland night': 'none',
      'downloaded, built yesterday, userland night': 'must',
      'requests for that': 'missed',
      'publish wall, first night': 'must',
      'publish wall, touched night': 'missed',
      'fetch wall, cold': 'must',
      'fetch wall, worker has the base layers': 'none',
      'fetch wall, worker built yesterday': 'stretch',
      'peak memory of the publishing process': 'must',
      '50 nights, stored, in plain nights': 'must',
    });
  });

  test('is in the table, with the measured figure', () => {
    const line = targetTable(plain, ours)
      .split('\n')
      .find((one) => one.startsWith('stored, SDK'));
    expect(line?.split(/ {2,}/)).toEqual([
      'stored, SDK + packages, first night',
      '0.6',
      '0.52',
      '0.520',
      'stretch met',
    ]);
    expect([formatValue(undefined, 'ratio'), formatValue(1.234, 'MB'), formatValue(12, 'requests')]).toEqual([
      '-',
      '1.2 MB',
      '12 requests',
    ]);
    expect(
      formatTable([
        ['a', 'b'],
        ['long', '1'],
      ]),
    ).toBe('a     b\nlong  1\n');
  });
});

test('another build of the same content is the same for the same seed, and near the one before', () => {
  const content = Buffer.from('some code that calls other code; '.repeat(4000));
  const first = rebuild(content, [1], 64);
  expect(rebuild(content, [1], 64).equals(first)).toBe(true);
  expect(rebuild(content, [2], 64).equals(first)).toBe(false);
  expect(rebuild(content, [], 64).equals(content)).toBe(true);
  expect(Math.abs(first.length - content.length)).toBeLessThan(content.length / 20);
});

test('contents do not turn into noise with many builds', () => {
  const content = Buffer.from('some code that calls other code; '.repeat(4000));
  const sizeAfter = (builds: number): number =>
    zstdCompressSync(
      rebuild(
        content,
        Array.from({ length: builds }, (_, at) => at),
        64,
      ),
    ).length;
  expect(sizeAfter(15)).toBeLessThan(2.5 * sizeAfter(1));
});

test('a wrong word on the command line says what was expected', () => {
  expect(parseOptions(['--workload', 'kernel', '--nights', '0']).workload).toEqual(['first', 'kernel']);
  expect(() => parseOptions(['--ways', 'fast'])).toThrow(UsageError);
  expect(() => parseOptions(['--nights', 'many'])).toThrow("--nights: expected a whole number from 0, saw 'many'");
});
