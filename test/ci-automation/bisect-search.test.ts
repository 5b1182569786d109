import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mostTests, searchFirstBad, type Verdict } from '../../ci-automation/bisect/search.ts';
import { openVerdicts } from '../../ci-automation/bisect/verdicts.ts';
import { fc } from '../helpers/fast-check.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree } from '../helpers/temp-files.ts';

const makeTemp = useTempFolders();

const search = async (verdicts: readonly Verdict[]) => {
  const asked: number[] = [];
  const found = await searchFirstBad(verdicts.length, async (index) => {
    asked.push(index);
    return verdicts[index] ?? 'skip';
  });
  return { ...found, asked };
};

describe('the first bad version', () => {
  test('is found, whatever it is, with no more tests than halving takes', async () => {
    const cases = fc
      .integer({ min: 2, max: 300 })
      .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 1, max: count - 1 })));
    await fc.assert(
      fc.asyncProperty(cases, async ([count, firstBad]) => {
        const verdicts = Array.from({ length: count }, (_, index): Verdict => (index < firstBad ? 'good' : 'bad'));
        const found = await search(verdicts);
        expect(found).toMatchObject({ firstBad, lastGood: firstBad - 1, untested: [] });
        expect(found.asked.length).toBeLessThanOrEqual(mostTests(count));
        expect(new Set(found.asked).size).toBe(found.asked.length);
      }),
    );
  });

  test('is between the last good and the first bad one when some cannot be tested', async () => {
    const random = fc
      .array(fc.boolean(), { minLength: 1, maxLength: 40 })
      .chain((skips) => fc.tuple(fc.constant(skips), fc.integer({ min: 0, max: skips.length })));
    await fc.assert(
      fc.asyncProperty(random, async ([skips, at]) => {
        const middle = skips.map((isSkipped, index): Verdict => (isSkipped ? 'skip' : index < at ? 'good' : 'bad'));
        const verdicts: Verdict[] = ['good', ...middle, 'bad'];
        const { lastGood, firstBad, untested } = await search(verdicts);
        expect(verdicts[lastGood]).toBe('good');
        expect(verdicts[firstBad]).toBe('bad');
        // Nothing in between but what could not be tested.
        const between = verdicts.map((_, index) => index).slice(lastGood + 1, firstBad);
        expect(untested).toEqual(between);
        expect(between.every((index) => verdicts[index] === 'skip')).toBe(true);
      }),
    );
  });
});

describe('verdicts', () => {
  const thing = { arch: 'amd64', format: 'image', tests: ['usr.*', 'boot.login'] };

  test('outlive the search, for the same test only; skips do not', async () => {
    const folder = makeTemp();
    const first = await openVerdicts(folder, thing);
    await first.set('4888.0.0', 'good');
    await first.set('4889.0.0', 'bad');
    await first.set('4890.0.0', 'skip');
    const again = await openVerdicts(folder, { ...thing, tests: ['boot.login', 'usr.*'] });
    expect(['4888.0.0', '4889.0.0', '4890.0.0', 'toString'].map(again.get)).toEqual([
      'good',
      'bad',
      undefined,
      undefined,
    ]);
    expect((await openVerdicts(folder, { ...thing, format: 'qemu' })).get('4888.0.0')).toBeUndefined();
    expect((await openVerdicts(folder, thing, true)).get('4888.0.0')).toBeUndefined();
  });

  test('a file that is none is as good as no file', async () => {
    const folder = makeTemp();
    await (await openVerdicts(folder, thing)).set('4888.0.0', 'good');
    const [file = ''] = listTree(folder);
    for (const text of ['{', '{"4888.0.0":"perhaps"}', '[]']) {
      writeFileSync(join(folder, file), text);
      expect((await openVerdicts(folder, thing)).get('4888.0.0')).toBeUndefined();
    }
  });
});
