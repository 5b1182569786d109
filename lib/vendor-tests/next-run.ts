import type { VendorResult, VendorTap } from './types.ts';

/** What a vendor script is called for. */
export interface Asked {
  /** Names, or patterns that only kola can resolve. */
  readonly tests: readonly string[];
  /** Whether this is what the user asked for, and not a repetition of single tests that failed. */
  readonly whole: boolean;
}

/**
 * Name of a result of our own: that the TAP files of a vendor were whole. It is in the reports only if one was not, and is no test that could
 * be asked for.
 */
export const COMPLETENESS = 'slipway.complete-results';

const EXTRA_INSTANCE = /^extra-test\.\[[^\]]*\]\./;

/** Patterns have `*`, `?` or `[`; names of tests on further instances have brackets too. */
const isName = (test: string): boolean => !/[*?[]/.test(test.replace(EXTRA_INSTANCE, ''));

const withoutSkip = (name: string): string => name.replace(/\s*#\s*skip\b.*$/i, '');

/** Tests that were asked for by their names and are not in the results. */
export const listMissing = ({ tests }: Asked, { results }: Pick<VendorTap, 'results'>): string[] => {
  const there = new Set(results.map(({ name }) => withoutSkip(name)));
  return tests.filter((test) => isName(test) && !there.has(test));
};

/** Whether the missing names are all that is missing. A repetition asks for names only, and what else it does was seen before. */
const isAllNamed = (asked: Asked, tap: VendorTap): boolean =>
  !asked.whole || (asked.tests.every(isName) && tap.results.length + listMissing(asked, tap).length === tap.plan);

/**
 * The results of a run as they count: with the tests that are missing, as failed, when the file is not whole.
 *
 * @param wasWhole whether the file of the run before was whole
 */
export const completeResults = (asked: Asked, tap: VendorTap, wasWhole: boolean): VendorResult[] => {
  const output = tap.problems.map((problem) => `TAP file: ${problem}\n`).join('');
  if (output === '') return wasWhole ? [...tap.results] : [...tap.results, { name: COMPLETENESS, ok: true, output }];
  const missing = listMissing(asked, tap).map((name) => ({ name, ok: false, output: `No result. ${output}` }));
  return [...tap.results, ...missing, { name: COMPLETENESS, ok: false, output }];
};

/**
 * What the next run is to do; undefined when nothing is left.
 *
 * @param asked what the last run was called for
 * @param tap what it left
 * @param failed tests that never passed in any run, those of {@link completeResults} included
 */
export const assembleNext = (asked: Asked, tap: VendorTap, failed: readonly string[]): Asked | undefined => {
  const tests = failed.filter((name) => name !== COMPLETENESS);
  const isWhole = tap.problems.length === 0;
  if (isWhole) return tests.length === 0 ? undefined : { tests, whole: false };
  // What else is missing has no names here: all of it again.
  return tests.length > 0 && isAllNamed(asked, tap) ? { tests, whole: false } : asked;
};
