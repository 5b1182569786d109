import type { SignatureFault, SignatureVerdict } from './types.ts';

/** One machine-readable line of gpg (`--status-fd`). */
export interface StatusLine {
  readonly keyword: string;
  readonly args: readonly string[];
}

/** Picks the status lines out of gpg's output. The format: doc/DETAILS of GnuPG. */
export const parseStatus = (output: string): readonly StatusLine[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('[GNUPG:] '))
    .map((line) => {
      const [keyword = '', ...args] = line.slice('[GNUPG:] '.length).trimEnd().split(' ');
      return { keyword, args };
    });

/** The last thing that gpg complained about, without its own name. */
export const lastComplaint = (stderr: string): string =>
  stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^gpg: /, '')
    .replace(/\.$/, '') || 'gpg gave no reason';

const userOf = (line: StatusLine): string =>
  decodeURIComponent(
    line.args
      .slice(1)
      .join(' ')
      .replace(/%(?![0-9A-F]{2})/g, '%25'),
  );

type FaultText = (line: StatusLine) => { reason: SignatureFault; detail: string };

/** gpg's words for a signature that is not to be relied on, the gravest first. */
const FAULTS: readonly (readonly [keyword: string, text: FaultText])[] = [
  ['BADSIG', (line) => ({ reason: 'bad', detail: `it is by ${userOf(line)}, but not of these bytes` })],
  ['REVKEYSIG', (line) => ({ reason: 'revoked-key', detail: `the key of ${userOf(line)} is revoked` })],
  ['EXPKEYSIG', (line) => ({ reason: 'expired-key', detail: `the key of ${userOf(line)} has expired` })],
  ['EXPSIG', (line) => ({ reason: 'expired-signature', detail: `the signature of ${userOf(line)} has expired` })],
  [
    'NO_PUBKEY',
    (line) => ({ reason: 'unknown-key', detail: `it was made with the key ${line.args[0]}, which is not trusted` }),
  ],
  ['ERRSIG', (line) => ({ reason: 'unreadable', detail: `gpg cannot check it (code ${line.args[5] ?? 'unknown'})` })],
  ['NODATA', () => ({ reason: 'unreadable', detail: 'it is not an OpenPGP signature' })],
];

/**
 * What the status lines of `gpg --verify` say. Valid is a signature that gpg calls good AND valid: lines about expired or
 * revoked keys come with a "valid" of their own.
 */
export const verdictOf = (lines: readonly StatusLine[]): SignatureVerdict => {
  const good = lines.findIndex((line) => line.keyword === 'GOODSIG');
  const goodLine = lines[good];
  if (goodLine) {
    const valid = lines.slice(good).find((line) => line.keyword === 'VALIDSIG');
    const fingerprint = valid?.args[9] ?? valid?.args[0];
    if (fingerprint) return { valid: true, fingerprint, signedBy: userOf(goodLine) };
  }
  for (const [keyword, text] of FAULTS) {
    const line = lines.find((one) => one.keyword === keyword);
    if (line) return { valid: false, ...text(line) };
  }
  return { valid: false, reason: 'unreadable', detail: 'gpg does not recognise it as a signature' };
};
