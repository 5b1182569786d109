import { describe, expect, test } from '@jest/globals';
import { parseStatus, verdictOf } from '../../../lib/signing/gpg-status.ts';

const FPR = 'D8692123C4065DEA5E0F3AB5249B39D24F25E3B6';
const VALID = `[GNUPG:] VALIDSIG ${FPR} 2026-11-20 1795000000 0 4 0 22 10 00 ${FPR}`;
const verdict = (...lines: string[]) => verdictOf(parseStatus(lines.join('\n')));

describe('verdictOf', () => {
  test('good and valid', () => {
    expect(verdict('[GNUPG:] NEWSIG', '[GNUPG:] GOODSIG 249B39D24F25E3B6 Buildbot <b@example.test>', VALID)).toEqual({
      valid: true,
      fingerprint: FPR,
      signedBy: 'Buildbot <b@example.test>',
      isBound: false,
    });
  });

  describe('for a path', () => {
    const good = '[GNUPG:] GOODSIG 249B39D24F25E3B6 B';
    const name = '[GNUPG:] NOTATION_NAME path@slipway.build';
    const bound = (path: string, ...lines: string[]) =>
      verdictOf(parseStatus(['[GNUPG:] NEWSIG', good, ...lines, VALID].join('\n')), path);

    test('that the signature says, also in several lines and escaped', () => {
      const lines = [
        name,
        '[GNUPG:] NOTATION_FLAGS 0 1',
        '[GNUPG:] NOTATION_DATA a/b',
        '[GNUPG:] NOTATION_DATA %2520c',
      ];
      expect(bound('a/b c', ...lines)).toMatchObject({ valid: true, isBound: true });
      expect(bound('a/b', ...lines)).toMatchObject({ valid: false, reason: 'other-path' });
    });

    test('that it does not say, or only in a notation of somebody else, or in a signature of its own', () => {
      expect(bound('a')).toMatchObject({ valid: true, isBound: false });
      const foreign = ['[GNUPG:] NOTATION_NAME path@example.org', '[GNUPG:] NOTATION_DATA b'];
      expect(bound('a', ...foreign)).toMatchObject({ valid: true, isBound: false });
      const second = ['[GNUPG:] NEWSIG', good, name, '[GNUPG:] NOTATION_DATA b'];
      expect(verdictOf(parseStatus([good, VALID, ...second].join('\n')), 'a')).toMatchObject({
        valid: true,
        isBound: false,
      });
    });
  });

  test.each([
    ['expired key, although gpg adds VALIDSIG', '[GNUPG:] EXPKEYSIG 249B39D24F25E3B6 B', 'expired-key'],
    ['revoked key, although gpg adds VALIDSIG', '[GNUPG:] REVKEYSIG 249B39D24F25E3B6 B', 'revoked-key'],
    ['expired signature, although gpg adds VALIDSIG', '[GNUPG:] EXPSIG 249B39D24F25E3B6 B', 'expired-signature'],
  ])('%s', (_name, line, reason) => {
    expect(verdict(line, VALID)).toMatchObject({ valid: false, reason });
  });

  test('bad, unknown key, no signature at all', () => {
    expect(verdict('[GNUPG:] BADSIG 249B39D24F25E3B6 B')).toMatchObject({ valid: false, reason: 'bad' });
    const foreign = verdict(
      '[GNUPG:] ERRSIG 249B39D24F25E3B6 22 10 00 1795000000 9 -',
      '[GNUPG:] NO_PUBKEY 249B39D24F25E3B6',
    );
    expect(foreign).toMatchObject({ valid: false, reason: 'unknown-key' });
    expect(verdict('[GNUPG:] NODATA 4')).toMatchObject({ valid: false, reason: 'unreadable' });
    expect(verdict()).toMatchObject({ valid: false, reason: 'unreadable' });
  });

  test('a user ID cannot pose as a status line', () => {
    expect(verdict('[GNUPG:] BADSIG 249B39D24F25E3B6 x%0A[GNUPG:] GOODSIG y')).toMatchObject({
      valid: false,
      reason: 'bad',
    });
    expect(verdict(`gpg: [GNUPG:] GOODSIG 1 x`, VALID)).toMatchObject({ valid: false });
  });
});
