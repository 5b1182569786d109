import type { VendorRecord, VendorResult } from './types.ts';

/** One run of a test on one vendor. */
export interface TestRun {
  readonly vendor: string;
  readonly run: number;
  readonly ok: boolean;
  readonly output: string;
}

/** One test with all its runs. */
export interface VendorTestCase {
  readonly name: string;
  /** Passed at least once on every vendor where it ran. */
  readonly ok: boolean;
  /** By vendor in the order of the records, then by run. */
  readonly runs: readonly TestRun[];
}

/** Byte order, as a database compares texts. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The last result of each name, in the order in which the names come first. */
export const lastOfEach = (results: readonly VendorResult[]): VendorResult[] => [
  ...new Map(results.map((result) => [result.name, result])).values(),
];

/** Runs of each test, in the order in which the tests come first. */
const gather = (records: readonly VendorRecord[]): Map<string, TestRun[]> => {
  const tests = new Map<string, TestRun[]>();
  for (const { vendor, runs } of records) {
    for (const { run, results } of runs) {
      for (const { name, ok, output } of lastOfEach(results)) {
        const known = tests.get(name);
        if (known) known.push({ vendor, run, ok, output });
        else tests.set(name, [{ vendor, run, ok, output }]);
      }
    }
  }
  return tests;
};

const neverPassedSomewhere = (runs: readonly TestRun[]): boolean => {
  const passed = new Set(runs.filter(({ ok }) => ok).map(({ vendor }) => vendor));
  return runs.some(({ vendor }) => !passed.has(vendor));
};

/** All tests of all vendors, by name in byte order. */
export const tallyTests = (records: readonly VendorRecord[]): VendorTestCase[] =>
  [...gather(records)]
    .map(([name, runs]) => ({ name, ok: !neverPassedSomewhere(runs), runs }))
    .sort((a, b) => compareBytes(a.name, b.name));

/**
 * Names of the tests that never passed on one vendor: what its next run is to do.
 *
 * @param records of all vendors; the names come in the order in which any of them had them first
 */
export const listFailed = (records: readonly VendorRecord[], vendor: string): string[] =>
  [...gather(records)]
    .map(([name, runs]) => ({ name, runs: runs.filter((one) => one.vendor === vendor) }))
    .filter(({ runs }) => runs.length > 0 && !runs.some(({ ok }) => ok))
    .map(({ name }) => name);
