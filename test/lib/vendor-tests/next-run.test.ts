import { describe, expect, it } from '@jest/globals';
import { parseVendorTap } from '../../../lib/vendor-tests/index.ts';
import {
  type Asked,
  assembleNext,
  COMPLETENESS,
  completeResults,
  listMissing,
} from '../../../lib/vendor-tests/next-run.ts';
import { listFailed } from '../../../lib/vendor-tests/tally.ts';

/** What follows from a first run with these lines. */
const nextOf = (asked: Asked, ...lines: string[]): Asked | undefined => {
  const tap = parseVendorTap(lines.map((line) => `${line}\n`).join(''));
  const records = [{ vendor: 'v', runs: [{ run: 1, results: completeResults(asked, tap, true) }] }];
  return assembleNext(asked, tap, listFailed(records, 'v'));
};

const all: Asked = { tests: ['*'], whole: true };
const named: Asked = { tests: ['a', 'b', 'extra-test.[x].c'], whole: true };
const repetition: Asked = { tests: ['a', 'b'], whole: false };

describe('after a whole file', () => {
  it('nothing is left when nothing failed', () => {
    expect(nextOf(all, '1..2', 'ok - a', 'ok - b')).toBeUndefined();
  });

  it('only what failed is run again', () => {
    expect(nextOf(all, '1..2', 'ok - a', 'not ok - b')).toEqual({ tests: ['b'], whole: false });
  });

  it('names that were asked for and have no result are no failure: not every test runs everywhere', () => {
    expect(nextOf(named, '1..1', 'ok - a')).toBeUndefined();
    expect(listMissing(named, parseVendorTap('1..1\nok - a # SKIP\n'))).toEqual(['b', 'extra-test.[x].c']);
  });
});

describe('after a file that is not whole', () => {
  it('everything is asked for again when what is missing has no name', () => {
    expect(nextOf(all, '1..3', 'ok - a', 'not ok - b')).toEqual(all);
    expect(nextOf(all)).toEqual(all);
    expect(nextOf(all, '1..1')).toEqual(all);
  });

  it('only what is missing and what failed is asked for when all of it has names', () => {
    expect(nextOf(named, '1..3', 'not ok - a', 'ok - b')).toEqual({ tests: ['a', 'extra-test.[x].c'], whole: false });
  });

  it('everything is asked for again when more is missing than what was asked for by name', () => {
    expect(nextOf(named, '1..5', 'ok - a', 'ok - b')).toEqual(named);
  });

  it('a repetition goes on with the names that never passed', () => {
    expect(nextOf(repetition, '1..2', 'ok - a')).toEqual({ tests: ['b'], whole: false });
    expect(nextOf(repetition)).toEqual(repetition);
  });

  it('is never the end, even when everything in it passed', () => {
    expect(nextOf(repetition, '1..3', 'ok - a', 'ok - b')).toEqual(repetition);
  });
});

describe('results', () => {
  it('say which tests are missing and why, and that the file was not whole', () => {
    const tap = parseVendorTap('1..3\nok - a\n');
    expect(completeResults(named, tap, true)).toEqual([
      { name: 'a', ok: true, output: '' },
      { name: 'b', ok: false, output: 'No result. TAP file: it announces 3 results and has 1\n' },
      { name: 'extra-test.[x].c', ok: false, output: 'No result. TAP file: it announces 3 results and has 1\n' },
      { name: COMPLETENESS, ok: false, output: 'TAP file: it announces 3 results and has 1\n' },
    ]);
  });

  it('say that a later file was whole only when an earlier one was not', () => {
    const tap = parseVendorTap('1..1\nok - a\n');
    expect(completeResults(all, tap, true)).toEqual([{ name: 'a', ok: true, output: '' }]);
    expect(completeResults(all, tap, false)).toContainEqual({ name: COMPLETENESS, ok: true, output: '' });
  });
});
