import { describe, expect, test } from '@jest/globals';
import {
  formatJunit,
  formatMarkdown,
  formatTapReport,
  parseWholeTap,
  type TestResult,
  toCases,
} from '../../../lib/testing/index.ts';
import { element } from '../../../lib/testing/report/xml.ts';
import { fc } from '../../helpers/fast-check.ts';

const FACTS = { version: '1.2.3+a', arch: 'amd64', startedAt: new Date(0) };
const result = (
  name: string,
  run: number,
  outcome: TestResult['outcome'],
  more: Partial<TestResult> = {},
): TestResult => ({
  name,
  run,
  outcome,
  platform: 'qemu',
  durationMs: 1500,
  ...more,
});
const RESULTS = [
  result('good', 1, 'passed', { message: 'took 3 s' }),
  result('flaky', 1, 'failed', { message: 'no <net>', details: ['a & b', '\u001b[31m...'] }),
  result('bad', 1, 'failed', { message: 'first' }),
  result('none', 1, 'skipped', { message: 'not here' }),
  result('flaky', 2, 'passed'),
  result('bad', 2, 'failed', { message: 'second' }),
];
const cases = toCases(RESULTS);

describe('toCases', () => {
  test('judges over all runs', () => {
    expect(cases.map(({ name, verdict, flaky }) => [name, verdict, flaky])).toEqual([
      ['bad', 'failed', false],
      ['flaky', 'passed', true],
      ['good', 'passed', false],
      ['none', 'skipped', false],
    ]);
  });

  test('has failed when one platform never passed', () => {
    const more = [...RESULTS, result('good', 1, 'failed', { platform: 'gce' })];
    expect(toCases(more).find(({ name }) => name === 'good')?.verdict).toBe('failed');
  });
});

describe('formatTapReport', () => {
  test('is whole TAP with the messages of each failed run', () => {
    const { tests } = parseWholeTap(formatTapReport(cases, FACTS), 'report');
    expect(tests.map(({ ok, name, directive }) => [ok, name, directive?.reason])).toEqual([
      [false, 'bad', undefined],
      [true, 'flaky', undefined],
      [true, 'good', undefined],
      [true, 'none', 'not here'],
    ]);
    expect(tests[0]?.diagnostics).toEqual([
      'seconds: 3',
      'succeeded:',
      'failed:',
      '  - "qemu, run 1"',
      '  - "qemu, run 2"',
      'qemu run 1:',
      '  - "first"',
      'qemu run 2:',
      '  - "second"',
    ]);
    expect(tests[2]?.diagnostics).toEqual(['seconds: 1.5', 'note: "took 3 s"']);
  });
});

describe('formatJunit', () => {
  const xml = formatJunit(cases, FACTS);

  test('counts, and tells reruns from flaky tests', () => {
    expect(xml).toContain('tests="4" failures="1" errors="0" skipped="1" time="9.000"');
    expect(xml).toContain('<failure message="first" type="CheckFailure">qemu, run 1: first</failure>');
    expect(xml).toContain('<rerunFailure message="second" type="CheckFailure">');
    expect(xml).toContain('<flakyFailure message="no &lt;net&gt;" type="CheckFailure">');
    expect(xml).toContain('<skipped message="not here"/>');
    expect(xml).toContain('a &amp; b\n\ufffd[31m...');
  });

  test('10,000 results are no trouble in any form', () => {
    const many = toCases(
      Array.from({ length: 10_000 }, (_, at) =>
        result(`t${at}`, 1, at % 3 ? 'passed' : 'failed', { message: 'm', details: ['d'] }),
      ),
    );
    const startedMs = performance.now();
    expect(formatJunit(many, FACTS).match(/<testcase /g)).toHaveLength(10_000);
    expect(formatMarkdown(many, FACTS).match(/^\* /gm)).toHaveLength(10_000);
    expect(parseWholeTap(formatTapReport(many, FACTS), 'x').tests).toHaveLength(10_000);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });
});

describe('element', () => {
  test('writes nothing that XML 1.0 forbids, whatever it gets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const xml = element('a', { b: text }, { text });
        const [, attribute = '', content = ''] = /^<a b="([^"<]*)"(?:>([^<]*)<\/a>|\/>)$/s.exec(xml) ?? [];
        expect(xml.startsWith('<a b="')).toBe(true);
        for (const part of [attribute, content]) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the forbidden ones
          expect(part).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[<>]/);
          expect(part.isWellFormed()).toBe(true);
        }
        expect(content.length).toBeGreaterThanOrEqual(text === '' ? 0 : 1);
      }),
    );
  });
});

describe('formatMarkdown', () => {
  const text = formatMarkdown(cases, FACTS);

  test('puts failures first and names the runs', () => {
    const lines = text.split('\n').filter((line) => line.startsWith('* '));
    expect(lines).toEqual([
      '* ❌ not ok **bad**; Failed: qemu (1, 2)',
      '* 🟢 ok **flaky**; Succeeded: qemu (2); Failed: qemu (1)',
      '* 🟢 ok **good**: took 3 s; Succeeded: qemu (1)',
      '* ⚪ skipped **none**: not here',
    ]);
  });

  test('lets no message become markup', () => {
    const sly = toCases([result('a*b', 1, 'failed', { message: '</details>\n# x', details: ['```'] })]);
    const markdown = formatMarkdown(sly, FACTS);
    expect(markdown).toContain('**a&#42;b**');
    expect(markdown).toContain('      </details>\n      # x\n      ```\n');
  });
});
