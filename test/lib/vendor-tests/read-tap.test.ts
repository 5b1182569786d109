import { performance } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import { parseVendorTap } from '../../../lib/vendor-tests/index.ts';
import { listFailed, tallyTests } from '../../../lib/vendor-tests/tally.ts';

const namesAndVerdicts = (text: string): string[] =>
  parseVendorTap(text).results.map(({ name, ok }) => `${ok ? '+' : '-'}${name}`);

describe('a line', () => {
  it.each([
    ['ok - a', '+a'],
    ['not ok - a', '-a'],
    ['   ok - a   ', '+a'],
    ['ok - a - b-c', '+a - b-c'],
    ['ok - a # SKIP', '+a # SKIP'],
    ['ok - extra-test.[m4.2xlarge].cl.internet', '+extra-test.[m4.2xlarge].cl.internet'],
    [`ok - it's "quoted"`, `+it's "quoted"`],
    ['not ok 3 - d', '-d'],
    ['ok 3 - d', '-d'],
    ['ok c', '-ok c'],
    ['what is this', '-what is this'],
  ])('%j is %j: only `ok - NAME` is a success', (line, expected) => {
    expect(namesAndVerdicts(`1..1\n${line}\n`)).toEqual([expected]);
  });

  it.each(['', '  ', '# a comment', 'TAP version 13'])('%j is no result', (line) => {
    expect(namesAndVerdicts(`1..1\n${line}\nok - a\n`)).toEqual(['+a']);
  });

  it('keeps a name in any script', () => {
    const text = Buffer.from('1..1\nok - ünï ✓\n').toString('latin1');
    expect(parseVendorTap(text).results[0]?.name).toBe('ünï ✓');
  });
});

const problemsOf = (text: string): readonly string[] => parseVendorTap(text).problems;

describe('a file is whole', () => {
  it.each([
    ['as kola writes it', '1..2\nok - a\nnot ok - b\n  ---\n  Error: "x"\n  ...\n'],
    ['as scripts write what is not supported', '1..1\nnot ok - all\n  ---\n  ERROR: no.\n  ...\n'],
    [
      'merged from two instances: the sum of the plans, then the results',
      '1..3\nok - a\nok - b\nok - extra-test.[x].a\n',
    ],
    ['with the plan at its end', 'ok - a\nok - b\n1..2\n'],
    ['with the plan at both ends', '1..1\nok - a\n1..1\n'],
    ['put together from two files', '1..1\nok - a\n1..2\nok - b\nok - c\n'],
    ['with more than it announces', '1..1\nok - a\nok - b\n'],
    ['without a plan', 'ok - a\n'],
    ['with a plan in a diagnostics block', '1..1\nnot ok - a\n---\n1..7\n...\n'],
  ])('%s', (_what, text) => {
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('a file is not whole (defect 12)', () => {
  it.each([
    ['when it is empty', '', ['there is no result in it']],
    ['when it has a plan only', '1..5\n', ['it announces 5 results and has none']],
    [
      'when its plan is empty: what is left of merging files that were never written',
      '1..0\n',
      ['there is no result in it'],
    ],
    ['with fewer results than announced', '1..3\nok - a\nok - b\n', ['it announces 3 results and has 2']],
    ['when one of the files in it is cut', '1..1\nok - a\n1..2\nok - b\n', ['it announces 3 results and has 2']],
    ['cut in a name', '1..2\nok - a\nok - b', ['its last line has no end', 'it announces 2 results and has 1']],
    ['cut in a block', '1..1\nnot ok - a\n  ---\n  Error\n', ["the diagnostics of 'a' have no end"]],
    ['given up', '1..1\nok - a\nBail out! no disk\n', ['the run was given up: Bail out! no disk']],
  ])('%s', (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it('and keeps what it has, the open block included', () => {
    expect(parseVendorTap('1..3\nok - a\nnot ok - b\n---\nwhy\n').results).toEqual([
      { name: 'a', ok: true, output: '' },
      { name: 'b', ok: false, output: 'why\n' },
    ]);
  });

  it('wherever it is cut', () => {
    const whole = '1..3\nok - a\nnot ok - b\n  ---\n  Error: "x"\n  ...\nok - c\n';
    for (let end = 0; end < whole.length; end += 1) expect(problemsOf(whole.slice(0, end))).not.toEqual([]);
    expect(problemsOf(whole)).toEqual([]);
  });
});

describe('size', () => {
  it('of 10,000 tests and 20 MB is read and counted in well under the time of one container start (defect 14)', () => {
    const block = `  ---\n  Error: "${'--- FAIL: x\\n   some.go:1: text '.repeat(130)}"\n  ...\n`;
    const tests = Array.from({ length: 10_000 }, (_, at) => (at % 2 ? `ok - t.${at}\n` : `not ok - t.${at}\n${block}`));
    const text = `1..10000\n${tests.join('')}`;
    expect(text.length).toBeGreaterThan(20_000_000);
    const startedMs = performance.now();
    const { results, problems } = parseVendorTap(text);
    const records = [{ vendor: 'qemu', runs: [{ run: 1, results }] }];
    expect([problems, listFailed(records, 'qemu').length, tallyTests(records).length]).toEqual([[], 5000, 10_000]);
    // Seconds even on a busy machine; minutes if anything were quadratic.
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });
});
