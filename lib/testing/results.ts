import type { TestResult } from './types.ts';

/** One test with all its runs, on all platforms. */
export interface TestCase {
  readonly name: string;
  /** Failed when it never passed on some platform where it ran; skipped when it never really ran. */
  readonly verdict: 'passed' | 'failed' | 'skipped';
  /** Whether it passed only after it had failed. */
  readonly flaky: boolean;
  /** In the order in which they happened. */
  readonly results: readonly TestResult[];
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
};

const toCase = (name: string, results: readonly TestResult[]): TestCase => {
  const platforms = [...groupBy(results, ({ platform }) => platform).values()];
  const failed = platforms.some((group) => group.every(({ outcome }) => outcome === 'failed'));
  const skipped = results.every(({ outcome }) => outcome === 'skipped');
  const verdict = failed ? 'failed' : skipped ? 'skipped' : 'passed';
  return { name, verdict, flaky: !failed && results.some(({ outcome }) => outcome === 'failed'), results };
};

/** Gathers results of any number of runs and platforms by test, in order of the names. */
export const toCases = (results: readonly TestResult[]): TestCase[] =>
  [...groupBy(results, ({ name }) => name)]
    .map(([name, group]) => toCase(name, group))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** Names of the tests with one verdict. */
export const namesOf = (cases: readonly TestCase[], verdict: TestCase['verdict']): string[] =>
  cases.filter((one) => one.verdict === verdict).map(({ name }) => name);

/** What the tests ran on, in order of the names. */
export const platformsOf = (cases: readonly TestCase[]): string[] => {
  const platforms = new Set(cases.flatMap(({ results }) => results.map(({ platform }) => platform)));
  return [...platforms].sort((a, b) => (a < b ? -1 : 1));
};
