import { expect, test } from '@jest/globals';
import { compareSides, type Difference, differencesText } from '../helpers/conformance-compare.ts';
import { describeWithOriginal } from '../helpers/conformance-original.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import { INTENDED } from './intended.ts';
import { SCENARIOS } from './scenarios.ts';

/** What says on either side that something is wrong with a published file. */
const WRONG = /\b(BAD|DIFFERS|OTHER TEXT|NO ID)\b/;

const EVERYWHERE = Object.keys(INTENDED).filter((key) => INTENDED[key]?.everywhere);

describeWithOriginal('beside the original', () => {
  const seenEverywhere = new Set<string>();
  const stage = useStage();

  test.each(Object.entries(SCENARIOS))(
    '%s',
    async (_, { kind = 'small-original', signed, env, play, intended }) => {
      const { differences, slipway } = await compareSides(
        () => stage.open(kind),
        async (world, side, note) => {
          let count = 0;
          await play(world, async (step, ...args) => {
            count += 1;
            const end = await world.run(side, step, args, { ...(signed ? world.signing : {}), ...env });
            note(`exit ${count} ${step}`, String(end.exitCode));
            return end;
          });
        },
      );
      const isOf = (key: string, difference: Difference): boolean => INTENDED[key]?.matches(difference) === true;
      for (const key of EVERYWHERE)
        if (differences.some((difference) => isOf(key, difference))) seenEverywhere.add(key);
      const allowed = [...intended, ...EVERYWHERE];
      const unexpected = differences.filter((difference) => !allowed.some((key) => isOf(key, difference)));
      const silent = intended.filter((key) => !differences.some((difference) => isOf(key, difference)));
      expect(differencesText(unexpected)).toBe('');
      expect(silent).toEqual([]);
      expect(Object.entries(slipway).filter(([name, text]) => name.startsWith('cache:') && WRONG.test(text))).toEqual(
        [],
      );
    },
    180_000,
  );

  test('every intended difference is shown by a scenario', () => {
    const shown = new Set(Object.values(SCENARIOS).flatMap(({ intended }) => intended));
    expect(Object.keys(INTENDED).filter((key) => !shown.has(key) && !EVERYWHERE.includes(key))).toEqual([]);
    expect(EVERYWHERE.filter((key) => !seenEverywhere.has(key))).toEqual([]);
  });
});
