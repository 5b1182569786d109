import { describe, expect, test } from '@jest/globals';
import {
  type Diagnostics,
  formatDiagnostics,
  formatTap,
  mergeTap,
  parseTap,
  parseWholeTap,
} from '../../../lib/testing/tap/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const names = (text: string): string[] => parseTap(text).tests.map(({ name }) => name);

describe('parseTap', () => {
  test('reads plan, results, directives and diagnostics of a plain TAP file', () => {
    const text = [
      '1..4',
      'ok - cl.basic',
      'not ok - cl.verity',
      '    ---',
      '    Error: "--- FAIL: cl.verity (1.2s)"',
      '      detail',
      '    ...',
      'ok - cl.nfs # SKIP no server',
      'not ok 4 - cl.later # todo not yet',
    ].join('\n');
    expect(parseTap(text)).toEqual({
      version: undefined,
      plan: 4,
      bailOut: undefined,
      problems: [],
      tests: [
        { ok: true, name: 'cl.basic', diagnostics: [] },
        { ok: false, name: 'cl.verity', diagnostics: ['Error: "--- FAIL: cl.verity (1.2s)"', '  detail'] },
        { ok: true, name: 'cl.nfs', directive: { kind: 'skip', reason: 'no server' }, diagnostics: [] },
        { ok: false, name: 'cl.later', directive: { kind: 'todo', reason: 'not yet' }, diagnostics: [] },
      ],
    });
  });

  test.each([
    ['ok 3 - a - b', 'a - b'],
    ['ok - a', 'a'],
    ['ok a', 'a'],
    ['ok 7', ''],
    ['   not ok 7   -   a b ', 'a b'],
    ['ok 1 - 3rd', '3rd'],
    ['ok 3rd', '3rd'],
    ['ok - back\\slash \\# hash', 'back\\slash \\# hash'],
    ['ok - issue #12', 'issue #12'],
    ['ok 2 - kubeadm.v1.2.base # skipped', 'kubeadm.v1.2.base'],
  ])('takes the name out of %j', (line, name) => {
    expect(names(`1..1\n${line}\n`)).toEqual([name]);
  });

  test('skips what TAP does not know', () => {
    const text = 'TAP version 13\nWARNING: noise\n\n1..1\n# comment\nokay - no\nok-no\nok 1 - yes\npragma +strict\r\n';
    expect(parseTap(text)).toMatchObject({ version: 13, plan: 1, problems: [], tests: [{ name: 'yes' }] });
  });

  test('lets a parent speak for its subtests', () => {
    const text = [
      'TAP version 14',
      '1..1',
      '# Subtest: a',
      '    1..2',
      '    ok 1 - x',
      '    not ok 2 - y',
      'not ok 1 - a',
    ].join('\n');
    expect(parseTap(text)).toMatchObject({ plan: 1, problems: [], tests: [{ ok: false, name: 'a' }] });
  });

  test('counts indented results of test programs without subtests', () => {
    expect(names('1..2\n    ok - a\n    not ok - b\n')).toEqual(['a', 'b']);
  });

  test.each([
    ['', 'there is no result at all'],
    ['\n\n', 'there is no result at all'],
    ['ok 1 - a\n', 'there is no plan line (1..N), so results may be missing'],
    ['1..3\nok 1 - a\n', 'the plan announces 3 results, but there are 1'],
    ['1..1\nok 1 - a\nok 2 - b\n', 'the plan announces 1 results, but there are 2'],
    ['1..1\nnot ok 1 - a\n  ---\n  text: cut of', 'the diagnostics block that starts in line 3 has no end'],
    ['1..2\nok 1 - a\nok 1 - b\n', 'test number 1 comes twice'],
    ['1..1\n1..1\nok\n', 'there are two plans, 1..1 and 1..1'],
    ['1..2\nok 1 - a\nBail out! no disk', 'the run was given up ("Bail out!"): no disk'],
  ])('says why %j is not complete', (text, problem) => {
    expect(parseTap(text).problems).toContain(problem);
    expect(() => parseWholeTap(text, 'x.tap')).toThrow('x.tap');
  });

  test('takes an empty plan as complete', () => {
    expect(parseTap('1..0 # SKIP nothing to do\n').problems).toEqual([]);
  });

  test('10,000 results with diagnostics are no trouble', () => {
    const text = formatTap(
      Array.from({ length: 10_000 }, (_, at) => ({ ok: at % 7 > 0, name: `t${at}`, diagnostics: { at } })),
    );
    const startedMs = performance.now();
    expect(parseWholeTap(text, 'x').tests).toHaveLength(10_000);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });
});

describe('formatTap', () => {
  test('writes TAP 14', () => {
    const text = formatTap(
      [
        { ok: true, name: 'a #1', directive: { kind: 'skip', reason: 'why' } },
        { ok: false, name: 'b', diagnostics: { message: 'x: "y"\n...', seen: ['1', '2'] } },
      ],
      ['for people'],
    );
    expect(text).toBe(
      [
        'TAP version 14',
        '1..2',
        '# for people',
        'ok 1 - a \\#1 # SKIP why',
        'not ok 2 - b',
        '  ---',
        '  message: "x: \\"y\\"\\n..."',
        '  seen:',
        '    - "1"',
        '    - "2"',
        '  ...',
        '',
      ].join('\n'),
    );
  });

  test('reads back whatever it writes', () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll(/\s+/g, ' ').trim());
    const directive = fc.record({ kind: fc.constantFrom('skip' as const, 'todo' as const), reason: text });
    const diagnostics = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.array(fc.string())),
      { minKeys: 1 },
    );
    const entry = fc.record({ ok: fc.boolean(), name: text, directive, diagnostics }, { requiredKeys: ['ok', 'name'] });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const read = parseTap(formatTap(entries));
        const wanted = entries.map(({ diagnostics: block, ...rest }) => ({
          ...rest,
          diagnostics: formatDiagnostics((block as Diagnostics | undefined) ?? {}),
        }));
        expect(read).toEqual({ version: 14, plan: entries.length, bailOut: undefined, problems: [], tests: wanted });
      }),
    );
  });

  test('any cut of a document is noticed, or loses no result', () => {
    const whole = formatTap([
      { ok: true, name: 'aa' },
      { ok: false, name: 'bb', diagnostics: { m: 'x' } },
      { ok: true, name: 'cc' },
    ]);
    for (let end = 0; end < whole.length; end += 1) {
      const { problems, tests } = parseTap(whole.slice(0, end));
      if (problems.length === 0) expect(tests).toHaveLength(3);
    }
  });
});

describe('mergeTap', () => {
  test('sums plans, prefixes names and keeps what is wrong with a part', () => {
    const merged = mergeTap([
      { document: parseTap('1..1\nok 1 - a\n'), prefix: '' },
      { document: parseTap('1..2\nnot ok 1 - b\n'), prefix: 'extra-test.[big].' },
    ]);
    expect(merged.plan).toBe(3);
    expect(merged.tests.map(({ name, ok }) => [name, ok])).toEqual([
      ['a', true],
      ['extra-test.[big].b', false],
    ]);
    expect(merged.problems).toEqual(['extra-test.[big].: the plan announces 2 results, but there are 1']);
  });
});
