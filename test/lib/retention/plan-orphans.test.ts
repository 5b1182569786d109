import { describe, expect, test } from '@jest/globals';
import { BRAKE_FREE, namesOfTag, type OrphanRules, planOrphans } from '../../../lib/retention/plan-orphans.ts';
import { deriveCacheForm, deriveDockerForm } from '../../../lib/version/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const RULES: OrphanRules = { names: 'any', except: { containers: '-github-' }, maxSharePercent: 25 };

const plan = (names: string[], tags: string[], rules = RULES, folder = 'images/amd64') =>
  planOrphans([{ folder, names }], tags, rules);

/** Names of the folder that would go. */
const orphans = (...call: Parameters<typeof plan>): string[] =>
  plan(...call).remove.map((path) => path.split('/').at(-1) ?? '');

describe('the names that a tag stands for', () => {
  test.each([
    ['main-4799.0.0-nightly-20260821-2100', '4799.0.0-nightly-20260821-2100'],
    ['stable-4593.2.0', '4593.2.0'],
    ['stable-3033.2.4-pro', '3033.2.4-pro'],
    ['sdk-2191.0.0', '2191.0.0'],
    ['v2234.99.0', '2234.99.0'],
    ['lts-2022-3033.3.1', '3033.3.1'],
    ['main-1.2.3-x-2.0+y', '1.2.3-x-2.0-y'],
  ])('%s: %s', (tag, name) => {
    expect(namesOfTag(tag)).toContain(name);
  });

  test('are whole: a longer number says nothing of a shorter one', () => {
    expect(namesOfTag('main-81.2.3')).not.toContain('1.2.3');
    expect(namesOfTag('main-1.2.34')).not.toContain('1.2.3');
    expect(namesOfTag('main-1.2.3-nightly-20260821-21000')).not.toContain('1.2.3-nightly-20260821-2100');
  });
});

describe('orphans', () => {
  test('both forms of a name are known by the tag, in every channel', () => {
    const names = ['1.2.3+a', '1.2.3-a', '4.5.6', '7.8.9+b'];
    expect(orphans(names, ['main-1.2.3-a', 'lts-4.5.6'])).toEqual(['7.8.9+b']);
  });

  test('regular expressions mean nothing', () => {
    expect(orphans(['1.2.3+a', '1x2.3+a', '.*', '1.2.3+.'], ['main-1.2.3-a'])).toEqual(['1x2.3+a', '1.2.3+.']);
  });

  test('two thousand tags are all found', () => {
    const tags = Array.from({ length: 2000 }, (_, at) => `main-${1000 + at}.0.0-nightly-20260101-2100`);
    expect(orphans(tags.map(deriveCacheForm), tags)).toEqual([]);
    expect(orphans([...tags.map(deriveCacheForm), '999.0.0+x'], tags)).toEqual(['999.0.0+x']);
  });

  test('what another collector is for stays, in its folder only', () => {
    const github = '4500.0.0-github-2026_01_02__03_04_05';
    expect(plan([github], ['main-1.2.3-a'], RULES, 'containers')).toMatchObject({
      remove: [],
      leftAlone: [`containers/${github}`],
    });
    expect(orphans([github], ['main-1.2.3-a'])).toEqual([github]);
  });

  test('names that are no versions go, or stay, as the tree says; hidden ones stay', () => {
    const names = ['binpkgs', '.hidden', '1.2.3+gone', '1.2.3.4', '4.5'];
    expect(orphans(names, ['main-1.2.3-a'])).toEqual(['binpkgs', '1.2.3+gone', '1.2.3.4', '4.5']);
    expect(orphans(names, ['main-1.2.3-a'], { ...RULES, names: 'versions' })).toEqual(['1.2.3+gone']);
  });
});

describe('the brake', () => {
  const many = (count: number, name: string): string[] => Array.from({ length: count }, (_, at) => `1.0.${at}+${name}`);
  const tagsOf = (names: string[]): string[] => names.map((name) => `main-${deriveDockerForm(name)}`);

  test('a released version is never deleted just so', () => {
    const { remove, doubts } = plan(['1.2.3', '1.2.3+a'], ['main-1.2.3-a', 'main-81.2.3']);
    expect(remove).toEqual(['images/amd64/1.2.3']);
    expect(doubts).toEqual(['images/amd64/1.2.3 is a released version']);
  });

  test('more than a share of a folder is doubtful, unless they are few', () => {
    const known = many(30, 'known');
    const judge = (count: number) => plan([...known, ...many(count, 'gone')], tagsOf(known)).doubts;
    expect(judge(10)).toEqual([]);
    expect(judge(11)).toEqual(['11 of the 41 names in images/amd64 are more than 25 %']);
    expect(plan(many(BRAKE_FREE, 'gone'), ['main-1.2.3-a']).doubts).toEqual([]);
    expect(plan(many(BRAKE_FREE + 1, 'gone'), ['main-1.2.3-a']).doubts).toHaveLength(1);
  });

  test('without a single tag nothing is believed; with nothing to delete there is no doubt', () => {
    expect(plan(['1.2.3+a'], []).doubts).toEqual(['there is not a single tag']);
    expect(plan([], []).doubts).toEqual([]);
  });
});

test('nothing with a tag is ever in the plan, and nothing released without a doubt', () => {
  const number = fc.nat({ max: 9 });
  const suffix = fc.constantFrom('', 'a', 'nightly-20260821-2100', 'x-2.0', 'b.c');
  const version = fc
    .tuple(number, number, number, suffix)
    .map(([a, b, c, more]) => `${a}.${b}.${c}${more === '' ? '' : `-${more}`}`);
  const channel = fc.constantFrom('main', 'alpha', 'beta', 'stable', 'lts', 'sdk');
  fc.assert(
    fc.property(fc.array(version), fc.array(fc.tuple(channel, version)), fc.boolean(), (dirs, tagged, plus) => {
      const tags = tagged.map(([name, text]) => `${name}-${text}`);
      const names = dirs.map((text) => (plus ? deriveCacheForm(text) : text));
      const { remove, doubts } = planOrphans([{ folder: 'f', names }], tags, RULES);
      for (const path of remove) {
        const name = deriveDockerForm(path.slice('f/'.length));
        expect(tagged.map(([, text]) => text)).not.toContain(name);
        if (/^\d+\.\d+\.\d+$/.test(name)) expect(doubts).toContain(`f/${name} is a released version`);
      }
      expect(new Set(remove).size).toBeLessThanOrEqual(new Set(names).size);
    }),
  );
});
