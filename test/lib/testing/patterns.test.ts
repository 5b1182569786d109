import { describe, expect, test } from '@jest/globals';
import { type Check, selectChecks } from '../../../lib/testing/index.ts';
import { toPattern } from '../../../lib/testing/patterns.ts';
import { fc } from '../../helpers/fast-check.ts';

const named = (name: string, formats?: string[]): Check => ({ name, summary: name, formats, run: async () => {} });
const checks = [named('usr.verity'), named('usr.read-only'), named('boot.login'), named('pxe.only', ['pxe'])];
const select = (patterns: string[], format = 'qemu'): string[] =>
  selectChecks(checks, patterns, format).map(({ name }) => name);

describe('toPattern', () => {
  test('takes any name literally but for * and ?', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        fc.pre(!/[*?]/.test(name));
        expect(toPattern(name).test(name)).toBe(true);
        expect(toPattern(`${name}*`).test(`${name}xyz`)).toBe(true);
        expect(toPattern(`?${name}`).test(`a${name}`)).toBe(true);
        expect(toPattern(name).test(`a${name}`)).toBe(false);
      }),
    );
  });

  test('a dot is a dot', () => {
    expect(toPattern('usr.*').test('usrxverity')).toBe(false);
  });
});

describe('selectChecks', () => {
  test('takes all without a pattern, in order of the names, and leaves out what does not apply to the format', () => {
    expect(select([])).toEqual(['boot.login', 'usr.read-only', 'usr.verity']);
    expect(select(['*'], 'pxe')).toContain('pxe.only');
  });

  test('joins patterns and leaves out with !', () => {
    expect(select(['usr.*', 'usr.verity', 'boot.login'])).toEqual(['boot.login', 'usr.read-only', 'usr.verity']);
    expect(select(['!usr.*'])).toEqual(['boot.login']);
    expect(select(['usr.*', '!usr.verity'])).toEqual(['usr.read-only']);
  });

  test('names the known checks when a pattern matches none', () => {
    expect(() => select(['usr.verty'])).toThrow(
      expect.objectContaining({ code: 'CHECK_UNKNOWN', kind: 'misuse', hint: expect.stringContaining('usr.verity') }),
    );
    expect(() => select(['pxe.only'])).toThrow(expect.objectContaining({ code: 'CHECK_UNKNOWN' }));
    expect(() => select(['!nothing'])).toThrow(expect.objectContaining({ code: 'CHECK_UNKNOWN' }));
  });
});
