import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { formatJunitReport } from '../../../lib/vendor-tests/report-junit.ts';
import { formatMarkdownReport } from '../../../lib/vendor-tests/report-markdown.ts';
import { formatTapReport } from '../../../lib/vendor-tests/report-tap.ts';
import { listFailed, tallyTests } from '../../../lib/vendor-tests/tally.ts';
import type { VendorRecord } from '../../../lib/vendor-tests/types.ts';
import { recordsOf, SCENES } from './fixture-records.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/** `UPDATE_GOLDEN=1` writes the file; look at what has changed. */
const expectGolden = (name: string, text: string): void => {
  const file = join(GOLDEN, name);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
};

const optionsFor = (records: readonly VendorRecord[], detailed: boolean) => ({
  ...{ version: '1.2.3+x', arch: 'amd64', detailed },
  vendors: records.map(({ vendor }) => vendor),
});

describe.each(Object.entries(SCENES))('the reports of %s', (name, scene) => {
  const records = recordsOf(scene);
  const cases = tallyTests(records);
  it.each([false, true])('have the known form, byte for byte (detailed: %s)', (detailed) => {
    const options = optionsFor(records, detailed);
    expectGolden(`${name}${detailed ? '-detailed' : ''}.tap`, formatTapReport(cases, options));
    expectGolden(`${name}${detailed ? '-detailed' : ''}.md`, formatMarkdownReport(cases, options));
  });
});

const record = (
  vendor: string,
  ...runs: (readonly [name: string, ok: boolean, output?: string][])[]
): VendorRecord => ({
  vendor,
  runs: runs.map((results, at) => ({
    run: at + 1,
    results: results.map(([name, ok, output = '']) => ({ name, ok, output })),
  })),
});

describe('diagnostics', () => {
  it('are those of the vendor that they are said to be of, also when another had the same test in a run of the same number (defect 17)', () => {
    const records = [record('aws', [['t', false, 'from aws\n']]), record('qemu', [['t', false, 'from qemu\n']])];
    const report = formatTapReport(tallyTests(records), optionsFor(records, false));
    expect(report).toContain(
      '   Error messages for qemu, run 1:\n      L1: " from qemu"\n      L2: " "\n   Error messages for aws',
    );
    expect(report).toContain('   Error messages for aws, run 1:\n      L1: " from aws"\n      L2: " "\n   ...');
  });

  it('of a name with quotes are shown like any other (defect 17)', () => {
    const records = [record('qemu', [[`it's "x"`, false, 'no\n']])];
    expect(formatTapReport(tallyTests(records), optionsFor(records, false))).toContain(`not ok - it's "x"\n`);
  });
});

describe('a test', () => {
  it('failed when one of the vendors never passed it', () => {
    const records = [record('aws', [['t', true]]), record('qemu', [['t', false]], [['t', false]])];
    expect(tallyTests(records)).toMatchObject([{ name: 't', ok: false }]);
    expect([listFailed(records, 'aws'), listFailed(records, 'qemu')]).toEqual([[], ['t']]);
  });

  it('that passed once is not run again, whatever came before or after', () => {
    const records = [
      record(
        'qemu',
        [
          ['a', false],
          ['b', true],
          ['c', false],
        ],
        [
          ['a', true],
          ['b', false],
        ],
      ),
    ];
    expect(listFailed(records, 'qemu')).toEqual(['c']);
  });

  it('that comes twice in one file counts as it came last', () => {
    expect(
      listFailed(
        [
          record('qemu', [
            ['a', true],
            ['a', false],
          ]),
        ],
        'qemu',
      ),
    ).toEqual(['a']);
  });
});

describe('JUnit', () => {
  it('has the tests of one vendor: failures, reruns, what passed later, what was skipped', () => {
    const one = record(
      'qemu',
      [
        ['bad', false, 'why <1>\nmore\n'],
        ['later', false, 'x\n'],
        ['good', true],
        ['off # SKIP no net', true],
      ],
      [
        ['bad', false, 'still\n'],
        ['later', true],
      ],
    );
    const xml = formatJunitReport(one, { version: '1.2.3', arch: 'amd64', startedAt: new Date(0) });
    expectGolden('junit.xml', xml);
    expect(xml).toContain('tests="4" failures="1" errors="0" skipped="1"');
  });
});
