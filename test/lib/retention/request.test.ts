import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type GarbageRequest, parseGarbageRequest, type RetentionProfile } from '../../../lib/retention/index.ts';
import { readTreeDescription } from '../../../lib/tree/index.ts';

const TREES = join(import.meta.dirname, '..', '..', '..', 'config', 'trees');

let profile: RetentionProfile;
beforeAll(async () => {
  profile = (await readTreeDescription(join(TREES, 'flatcar.yaml'))).garbage;
});

const parse = (positionals: string[], only?: string, purgeVersions = ''): GarbageRequest =>
  parseGarbageRequest({ positionals, only, withLogs: false, purgeVersions }, profile);

describe('numbers', () => {
  const cases: { words: string[]; builds: [number, number]; prSdks: [number, number] }[] = [
    { words: [], builds: [50, 14], prSdks: [1, 14] },
    { words: ['10'], builds: [10, 0], prSdks: [1, 0] },
    { words: ['10', '7'], builds: [10, 7], prSdks: [1, 7] },
    { words: ['', '7'], builds: [50, 7], prSdks: [1, 7] },
    { words: ['', ''], builds: [50, 14], prSdks: [1, 14] },
    { words: ['10', ''], builds: [10, 0], prSdks: [1, 0] },
    { words: ['0', '0'], builds: [0, 0], prSdks: [1, 0] },
  ];
  test.each(cases)('of a full run: $words', ({ words, builds, prSdks }) => {
    const request = parse(words);
    expect([request.builds.keep, request.builds.minAgeDays]).toEqual(builds);
    expect([request.prSdks.keep, request.prSdks.minAgeDays]).toEqual(prSdks);
    expect(request.releases).toEqual({ keep: 10, lts: 2, withLogs: false });
    expect(request.collectors).toEqual(['builds', 'orphans', 'cloud', 'pr-sdks', 'releases']);
  });

  test('of the SDKs of pull requests alone have the defaults of that collector', () => {
    expect(parse([], 'pr-sdks').prSdks).toEqual({ keep: 20, minAgeDays: 14 });
    expect(parse(['3', '4'], 'pr-sdks').prSdks).toEqual({ keep: 3, minAgeDays: 4 });
    expect(parse(['3'], 'pr-sdks').prSdks).toEqual({ keep: 3, minAgeDays: 14 });
  });

  test('of the releases alone are KEEP and LTS', () => {
    expect(parse(['3', '1'], 'releases').releases).toMatchObject({ keep: 3, lts: 1 });
    expect(parse(['', '1'], 'releases').releases).toMatchObject({ keep: 10, lts: 1 });
  });

  test.each(['x', '-1', '1.5', '10 ', '0x10', '99999999999'])('%j is no number of builds', (word) => {
    expect(() => parse([word])).toThrow(expect.objectContaining({ code: 'GARBAGE_NUMBER_INVALID', kind: 'misuse' }));
  });

  test('no release that stays is refused: nothing could be judged by it', () => {
    expect(() => parse(['0'], 'releases')).toThrow(expect.objectContaining({ code: 'GARBAGE_NUMBER_INVALID' }));
  });

  test.each(['orphans', 'cloud', 'pr-sdks,releases'])('have no meaning with --only %s', (only) => {
    expect(() => parse(['3'], only)).toThrow(expect.objectContaining({ code: 'GARBAGE_NUMBERS_MEANINGLESS' }));
    expect(parse([], only).collectors).toEqual(only.split(','));
  });
});

test('collectors run in their own order, each once', () => {
  expect(parse([], 'releases,orphans,releases').collectors).toEqual(['orphans', 'releases']);
});

test('an unknown collector is refused, with the nearest name', () => {
  expect(() => parse([], 'orphan')).toThrow(
    expect.objectContaining({ code: 'COLLECTOR_UNKNOWN', message: expect.stringContaining("'orphans'") }),
  );
  expect(() => parse([], '')).toThrow(expect.objectContaining({ code: 'COLLECTOR_UNKNOWN' }));
});

describe('PURGE_VERSIONS', () => {
  test('names builds, each once', () => {
    const text = ' main-1.2.3-a\n  main-1.2.3-b main-1.2.3-a ';
    expect(parse([], undefined, text).purge).toEqual(['main-1.2.3-a', 'main-1.2.3-b']);
    expect(parse([]).purge).toBeUndefined();
  });

  test('of nothing but blanks is a list that names nothing, and not "not set"', () => {
    expect(parse([], undefined, ' ').purge).toEqual([]);
  });

  test.each([
    'stable-4593.2.0',
    'stable-4593.2.0-pro',
    '4593.2.0',
    'xmain-1.2.3-a',
    'main-1.2.3-a;reboot',
    'main-1.2.3-../../x',
    'main-1.2.3-$(reboot)',
  ])('cannot have %s', (word) => {
    expect(() => parse([], undefined, `main-1.2.3-a ${word}`)).toThrow(
      expect.objectContaining({
        code: 'PURGE_VERSION_INVALID',
        kind: 'misuse',
        message: expect.stringContaining(JSON.stringify(word)),
      }),
    );
  });
});
