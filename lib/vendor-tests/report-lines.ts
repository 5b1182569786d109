import { compareBytes, type TestRun, type VendorTestCase } from './tally.ts';

/** What a report says about the image, and how much. */
export interface ReportOptions {
  readonly version: string;
  readonly arch: string;
  /** In the order in which they were run first. */
  readonly vendors: readonly string[];
  /** Show the diagnostics of failures that passed later, too. */
  readonly detailed: boolean;
}

/** A report is read by programs that know the form of the tree's own automation byte for byte. */
export type Report = (cases: readonly VendorTestCase[], options: ReportOptions) => string;

/**
 * Vendors by name with the numbers of their runs that ended one way.
 *
 * @example listRuns(runs, true) // 'aws (3); qemu (1, 2)'
 */
export const listRuns = (runs: readonly TestRun[], ok: boolean): string => {
  const numbers = new Map<string, number[]>();
  for (const { vendor, run } of runs.filter((one) => one.ok === ok)) {
    numbers.set(vendor, [...(numbers.get(vendor) ?? []), run]);
  }
  return [...numbers]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([vendor, all]) => `${vendor} (${all.sort((a, b) => a - b).join(', ')})`)
    .join('; ');
};

/** The failed runs whose diagnostics a report shows, the latest first; at the same number the vendor that came last first. */
export const shownFailures = ({ ok, runs }: VendorTestCase, { vendors, detailed }: ReportOptions): TestRun[] => {
  if (ok && !detailed) return [];
  const order = (one: TestRun): number => vendors.indexOf(one.vendor);
  return runs.filter((one) => !one.ok).sort((a, b) => b.run - a.run || order(b) - order(a));
};

/**
 * Diagnostics as numbered lines. The blank before the first line and the last line with nothing but one are part of the form.
 *
 * @example numberLines('no\n') // ['      L1: " no"', '      L2: " "']
 */
export const numberLines = (output: string): string[] =>
  ` ${output} `.split('\n').map((line, at) => `      L${at + 1}: "${line}"`);
