import { formatJunit } from '../testing/report/index.ts';
import { toCases } from '../testing/results.ts';
import type { TestResult } from '../testing/types.ts';
import { lastOfEach } from './tally.ts';
import type { VendorRecord } from './types.ts';

const SKIP = /\s*#\s*skip\b:?\s*(.*)$/i;

const toResult = (
  vendor: string,
  run: number,
  { name, ok, output }: { name: string; ok: boolean; output: string },
): TestResult => {
  const skipped = ok ? SKIP.exec(name) : null;
  // TAP files of kola have no times.
  const base = { run, platform: vendor, durationMs: 0 };
  if (skipped) return { ...base, name: name.slice(0, skipped.index), outcome: 'skipped', message: skipped[1] ?? '' };
  if (ok) return { ...base, name, outcome: 'passed' };
  const [message = '', ...details] = output.trimEnd().split('\n');
  return { ...base, name, outcome: 'failed', message, details };
};

/**
 * The tests of one vendor as JUnit XML. Others of the same workspace have files of their own: a CI that reads all of them would count
 * every test of a merged file once per vendor.
 */
export const formatJunitReport = (
  { vendor, runs }: VendorRecord,
  facts: { readonly version: string; readonly arch: string; readonly startedAt: Date },
): string => {
  const results = runs.flatMap(({ run, results: all }) => lastOfEach(all).map((one) => toResult(vendor, run, one)));
  return formatJunit(toCases(results), facts);
};
