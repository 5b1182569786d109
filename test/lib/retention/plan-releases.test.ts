import { describe, expect, test } from '@jest/globals';
import {
  chooseReleases,
  parseFeed,
  parseRelease,
  type Release,
  whyReleaseStays,
} from '../../../lib/retention/plan-releases.ts';
import { fc } from '../../helpers/fast-check.ts';

const feedOf = (...keys: string[]): string => JSON.stringify(Object.fromEntries(keys.map((key) => [key, {}])));
const release = (text: string): Release => {
  const parsed = parseRelease(text);
  if (!parsed) throw new Error(text);
  return parsed;
};
const texts = (releases: readonly Release[]): string[] => releases.map(({ text }) => text);
const choose = (keys: string[], keep: number, lts: number): string[] =>
  texts(chooseReleases(parseFeed(feedOf(...keys), 'feed'), { keep, lts }));

describe('the list of releases', () => {
  test('the first version in each key counts, numbers as numbers, each once', () => {
    const text = feedOf('alpha-9.0.0', '10.0.0', 'current', '9.0.0', 'lts-3033.3.1-4.5.6', '9.10.0', '9.9.0');
    expect(texts(parseFeed(text, 'feed'))).toEqual(['3033.3.1', '10.0.0', '9.10.0', '9.9.0', '9.0.0']);
  });

  test.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['<html>404</html>', 'not JSON'],
    ['{"4593.0.0": {', 'not JSON'],
    ['[]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['"4593.0.0"', 'not a JSON object'],
    ['{}', 'none of its keys'],
    ['{"message": "rate limited"}', 'none of its keys'],
  ])('%j is unusable', (text, reason) => {
    expect(() => parseFeed(text, 'https://feed')).toThrow(
      expect.objectContaining({ code: 'RELEASE_FEED_UNUSABLE', message: expect.stringContaining(reason) }),
    );
  });
});

describe('the releases that stay', () => {
  test('of alpha, beta and stable the newest few each', () => {
    const keys = ['5.0.0', '4.0.0', '4.1.0', '4.2.0', '3.0.0', '3.1.0', '3.1.1', '3.2.0', '2.2.0'];
    expect(choose(keys, 2, 2)).toEqual(['5.0.0', '4.2.0', '4.1.0', '4.0.0', '3.2.0', '3.1.1']);
  });

  test('of LTS the newest few of each of the newest majors', () => {
    const keys = ['9.3.2', '9.3.1', '9.3.0', '8.3.1', '8.3.0', '7.3.0', '9.0.0'];
    expect(choose(keys, 2, 2)).toEqual(['9.3.2', '9.3.1', '9.0.0', '8.3.1', '8.3.0']);
    expect(choose(keys, 1, 1)).toEqual(['9.3.2', '9.0.0']);
    expect(choose(keys, 2, 0)).toEqual(['9.0.0']);
  });
});

describe('why a version in the cache stays', () => {
  const stays = ['4628.0.0', '4593.1.0', '4593.0.1', '4081.3.6'].map(release);
  const why = (text: string, holdsSdk = false): string | undefined => whyReleaseStays(release(text), stays, holdsSdk);

  test.each([
    ['it stays itself', '4593.1.0', true],
    ['newer major than any release', '4629.0.0', true],
    ['same major, higher minor than one that stays', '4593.2.0', true],
    ['same major and minor, higher patch', '4593.0.2', true],
    ['LTS patch to come', '4081.3.7', true],
    ['older patch', '4593.0.0', false],
    ['older major', '4547.0.0', false],
    ['major between', '4600.0.0', false],
    ['older LTS', '4081.3.5', false],
    ['lower minor of an LTS major', '4081.2.0', false],
  ])('%s: %s', (_, text, does) => {
    expect(why(text) !== undefined).toBe(does);
  });

  test('the SDK of a major stays as long as any release of it, and goes elsewhere', () => {
    expect(why('4593.0.0', true)).toBe('it has the SDK of 4593.1.0');
    expect(why('4593.0.0')).toBeUndefined();
    expect(why('4547.0.0', true)).toBeUndefined();
  });

  test('with KEEP 2 the first alpha of a major goes from containers and stays in sdk/amd64', () => {
    const list = ['4790.0.0', '4757.0.0', '4757.1.0', '4722.1.0', '4593.2.4', '4593.2.3', '4593.1.0', '4593.0.0'];
    const chosen = chooseReleases(parseFeed(feedOf(...list), 'feed'), { keep: 2, lts: 2 });
    expect(whyReleaseStays(release('4593.0.0'), chosen, false)).toBeUndefined();
    expect(whyReleaseStays(release('4593.0.0'), chosen, true)).toBeDefined();
  });

  test('without any release that stays, everything does', () => {
    expect(whyReleaseStays(release('1.0.0'), [], false)).toBeDefined();
  });
});

test('whatever the list and the numbers, what stays and what is newer than all of it does', () => {
  const version = fc
    .tuple(fc.nat({ max: 20 }), fc.nat({ max: 4 }), fc.nat({ max: 5 }))
    .map((numbers) => numbers.join('.'));
  fc.assert(
    fc.property(
      fc.array(version, { minLength: 1 }),
      version,
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 3 }),
      (listed, seen, keep, lts) => {
        const chosen = chooseReleases(parseFeed(feedOf(...listed), 'feed'), { keep, lts });
        const [newest] = chosen;
        if (chosen.some(({ text }) => text === seen) || (newest && release(seen).major > newest.major)) {
          expect(whyReleaseStays(release(seen), chosen, false)).toBeDefined();
        }
        // The folder with SDKs never loses more than the others.
        if (whyReleaseStays(release(seen), chosen, false))
          expect(whyReleaseStays(release(seen), chosen, true)).toBeDefined();
      },
    ),
  );
});

test.each(['4593.0', '4593.0.0-x', 'v4593.0.0', '4593.0.0\n', '04593.0.0.0', ''])('%j is no release', (text) => {
  expect(parseRelease(text)).toBeUndefined();
});
