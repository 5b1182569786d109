import { namesOf, platformsOf, type TestCase } from '../results.ts';
import type { TestResult } from '../types.ts';
import type { ReportFacts } from './facts.ts';
import { element } from './xml.ts';

const secondsOf = (results: readonly TestResult[]): string =>
  (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);

const textOf = ({ platform, run, message = '', details = [] }: TestResult): string =>
  [`${platform}, run ${run}: ${message}`, ...details].join('\n');

/** A later failure of a test that failed for good, or any failure of one that passed in the end. */
const formatRerun = (name: 'rerunFailure' | 'flakyFailure', result: TestResult): string =>
  element(name, { message: result.message ?? '', type: 'CheckFailure' }, [
    element('stackTrace', {}, { text: textOf(result) }),
  ]);

const formatFailures = ({ verdict, results }: TestCase): string[] => {
  const failures = results.filter(({ outcome }) => outcome === 'failed');
  if (verdict !== 'failed') return failures.map((result) => formatRerun('flakyFailure', result));
  const [first, ...later] = failures;
  if (!first) return [];
  const failure = element('failure', { message: first.message ?? '', type: 'CheckFailure' }, { text: textOf(first) });
  return [failure, ...later.map((result) => formatRerun('rerunFailure', result))];
};

const formatCase = (one: TestCase, platform: string): string => {
  const skipped = one.verdict === 'skipped' ? [element('skipped', { message: one.results.at(-1)?.message ?? '' })] : [];
  const attributes = { name: one.name, classname: platform, time: secondsOf(one.results) };
  return element('testcase', attributes, [...skipped, ...formatFailures(one)]);
};

/**
 * The verdicts as JUnit XML, in the form of Maven's Surefire, which CI systems read: one test suite, one test case per check;
 * reruns are `rerunFailure` (it never passed) or `flakyFailure` (it passed later) elements.
 */
export const formatJunit = (cases: readonly TestCase[], facts: ReportFacts): string => {
  const platform = platformsOf(cases).join(',');
  const counts = {
    tests: cases.length,
    failures: namesOf(cases, 'failed').length,
    errors: 0,
    skipped: namesOf(cases, 'skipped').length,
    time: secondsOf(cases.flatMap(({ results }) => results)),
  };
  const properties = Object.entries({ version: facts.version, arch: facts.arch, platform }).map(([name, value]) =>
    element('property', { name, value }),
  );
  const suite = {
    name: `${facts.version} ${facts.arch} ${platform}`,
    ...counts,
    timestamp: facts.startedAt.toISOString(),
  };
  const document = element('testsuites', { name: 'image tests', ...counts }, [
    element('testsuite', suite, [
      element('properties', {}, properties),
      ...cases.map((one) => formatCase(one, platform)),
    ]),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${document}\n`;
};
