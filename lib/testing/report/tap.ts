import type { TestCase } from '../results.ts';
import { type Diagnostics, formatTap, type TapEntry } from '../tap/index.ts';
import type { TestResult } from '../types.ts';
import type { ReportFacts } from './facts.ts';

const runsWith = (results: readonly TestResult[], outcome: TestResult['outcome']): string[] =>
  results.filter((one) => one.outcome === outcome).map(({ platform, run }) => `${platform}, run ${run}`);

const secondsOf = (results: readonly TestResult[]): number =>
  Math.round(results.reduce((sum, { durationMs }) => sum + durationMs, 0)) / 1000;

const diagnosticsOf = ({ results }: TestCase): Diagnostics => {
  const failures = results.filter(({ outcome }) => outcome === 'failed');
  const data: Record<string, string | number | readonly string[]> = { seconds: secondsOf(results) };
  const note = results.findLast(({ outcome }) => outcome === 'passed')?.message;
  if (note !== undefined) data.note = note;
  if (failures.length === 0) return data;
  data.succeeded = runsWith(results, 'passed');
  data.failed = runsWith(results, 'failed');
  for (const { platform, run, message = '', details = [] } of failures)
    data[`${platform} run ${run}`] = [message, ...details];
  return data;
};

const toEntry = (one: TestCase): TapEntry => {
  const entry = { ok: one.verdict !== 'failed', name: one.name, diagnostics: diagnosticsOf(one) };
  if (one.verdict !== 'skipped') return entry;
  return { ...entry, directive: { kind: 'skip', reason: one.results.at(-1)?.message ?? '' } };
};

/** The verdicts as TAP 14; what failed, and what passed only later, comes with the messages of each failed run. */
export const formatTapReport = (cases: readonly TestCase[], { version, arch }: ReportFacts): string =>
  formatTap(cases.map(toEntry), [`Version: ${version}, Architecture: ${arch}`]);
