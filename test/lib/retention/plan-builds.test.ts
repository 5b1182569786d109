import { describe, expect, test } from '@jest/globals';
import { dayOf, lastOldDay } from '../../../lib/retention/age.ts';
import { buildVersionOf } from '../../../lib/retention/build-version.ts';
import { type BuildTag, planBuilds, planPurge } from '../../../lib/retention/plan-builds.ts';
import { parseVersion } from '../../../lib/version/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const NOW = new Date('2026-11-21T10:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const RULES = { channels: ['main', 'alpha', 'beta', 'stable', 'lts'], exceptEndings: ['-pro'] };

const tagOf = (name: string, createdAt: Date | undefined, more: Partial<BuildTag> = {}): BuildTag => ({
  version: parseVersion(name),
  createdAt,
  remoteObject: 'remote',
  localObject: 'local',
  ...more,
});

const daysOld = (days: number): Date => new Date(NOW.getTime() - days * DAY_MS);
const removed = (...call: Parameters<typeof planBuilds>): string[] =>
  planBuilds(...call).flatMap(({ tag, remove }) => (remove ? [tag.version.text] : []));

describe('which tags are development builds', () => {
  test.each([
    ['main-4799.0.0-nightly-20260821-2100', true],
    ['main-4799.0.0-nightly-20260821-2100-INTERMEDIATE', true],
    ['stable-4593.2.5-nightly-20260821-2100', true],
    ['stable-3033.2.4-pro', false],
    ['main-1.2.3-foo-pro', false],
    ['main-1.2.3-pro-foo', true],
    ['stable-4593.2.0', false],
    ['sdk-4593.2.0-x', false],
    ['v2234.99.0', false],
    ['xmain-1.2.3-a', false],
    ['main-1.2.3-a+b', false],
  ])('%s: %s', (tag, is) => {
    expect(buildVersionOf(tag, RULES) !== undefined).toBe(is);
  });
});

describe('by number and age', () => {
  test('the newest stay, then those that are too young, whatever their order was', () => {
    const tags = [60, 1, 13, 14, 15, 2].map((days) => tagOf(`main-1.0.0-d${days}`, daysOld(days)));
    expect(removed(tags, { keep: 2, minAgeDays: 14 }, NOW)).toEqual([
      'main-1.0.0-d14',
      'main-1.0.0-d15',
      'main-1.0.0-d60',
    ]);
    expect(removed(tags, { keep: 5, minAgeDays: 0 }, NOW)).toEqual(['main-1.0.0-d60']);
    expect(removed(tags, { keep: 50, minAgeDays: 14 }, NOW)).toEqual([]);
    expect(removed(tags, { keep: 0, minAgeDays: 0 }, NOW)).toHaveLength(6);
  });

  test('a day counts whole, as in the original: what was made on the last day is old enough', () => {
    const tags = ['2026-11-07T23:59:59Z', '2026-11-08T00:00:00Z'].map((at, index) =>
      tagOf(`main-1.0.0-n${index}`, new Date(at)),
    );
    expect(removed(tags, { keep: 0, minAgeDays: 14 }, NOW)).toEqual(['main-1.0.0-n0']);
  });

  test('of the same second the names decide, as git sorts them', () => {
    const tags = ['b', 'a', 'c'].map((name) => tagOf(`main-1.0.0-${name}`, daysOld(30)));
    expect(removed(tags, { keep: 1, minAgeDays: 0 }, NOW)).toEqual(['main-1.0.0-b', 'main-1.0.0-c']);
  });

  test('without a date, or only in this clone: stays, and takes nobody’s place', () => {
    const tags = [
      tagOf('main-1.0.0-undated', undefined),
      tagOf('main-1.0.0-mine', daysOld(1), { remoteObject: undefined }),
      tagOf('main-1.0.0-new', daysOld(2)),
      tagOf('main-1.0.0-old', daysOld(30)),
    ];
    expect(removed(tags, { keep: 1, minAgeDays: 0 }, NOW)).toEqual(['main-1.0.0-old']);
  });

  test('an absurd age leaves everything', () => {
    expect(removed([tagOf('main-1.0.0-a', daysOld(30))], { keep: 0, minAgeDays: 999_999_999 }, NOW)).toEqual([]);
  });
});

test('nothing that goes is younger than the limit or among the newest', () => {
  const someTags = fc
    .array(fc.tuple(fc.nat({ max: 400 * 86_400 }), fc.boolean()), { maxLength: 40 })
    .map((ages) =>
      ages.map(([seconds, onRemote], at) =>
        tagOf(
          `main-1.0.0-t${at}`,
          new Date(NOW.getTime() - seconds * 1000),
          onRemote ? {} : { remoteObject: undefined },
        ),
      ),
    );
  const someLimits = fc.record({ keep: fc.nat({ max: 50 }), minAgeDays: fc.nat({ max: 500 }) });
  fc.assert(
    fc.property(someTags, someLimits, (tags, limits) => {
      const verdicts = planBuilds(tags, limits, NOW);
      expect(verdicts.map(({ tag }) => tag).toSorted()).toHaveLength(tags.length);
      const gone = verdicts.filter(({ remove }) => remove).map(({ tag }) => tag);
      const stays = verdicts.filter(({ remove }) => !remove).map(({ tag }) => tag);
      const oldestGone = Math.max(...gone.map(({ createdAt }) => createdAt?.getTime() ?? 0));
      for (const { createdAt, remoteObject, version } of gone) {
        expect(dayOf(createdAt ?? NOW) <= lastOldDay(NOW, limits.minAgeDays)).toBe(true);
        expect(remoteObject).toBeDefined();
        expect(version.isOfficial).toBe(false);
      }
      // As many as asked for stay that are at least as new as anything that goes.
      const newer = stays.filter((tag) => tag.remoteObject && (tag.createdAt?.getTime() ?? 0) >= oldestGone);
      if (gone.length > 0) expect(newer.length).toBeGreaterThanOrEqual(limits.keep);
    }),
  );
});

test('by name: those that are named go, and names without a tag are told', () => {
  const tags = ['a', 'b', 'c'].map((name) => tagOf(`main-1.0.0-${name}`, daysOld(0)));
  const { verdicts, unknown } = planPurge(tags, ['main-1.0.0-b', 'main-1.0.0-x', 'main-1.0.0']);
  expect(verdicts.map(({ tag, remove }) => [tag.version.text, remove])).toEqual([['main-1.0.0-b', true]]);
  expect(unknown).toEqual(['main-1.0.0-x', 'main-1.0.0']);
});
