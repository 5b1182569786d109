import { type Binding, bindingOf } from './path-notation.ts';
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

/** The lines of the signature that a line is of: a file may have several signatures. */
const linesOfOne = (lines: readonly StatusLine[], at: number): readonly StatusLine[] => {
  const isStart = (line: StatusLine): boolean => line.keyword === 'NEWSIG';
  const next = lines.findIndex((line, index) => index > at && isStart(line));
  return lines.slice(at, next === -1 ? undefined : next);
};

const boundVerdict = (
  binding: Binding,
  by: { readonly fingerprint: string; readonly signedBy: string },
  path: string | undefined,
): SignatureVerdict => {
  if (binding.state !== 'other') return { valid: true, ...by, isBound: binding.state === 'right' };
  const detail = `it is by ${by.signedBy} for ${binding.path}, and was found with ${path}: somebody moved or mixed up files`;
  return { valid: false, reason: 'other-path', detail };
};

/**
 * What the status lines of `gpg --verify` say. Valid is a signature that gpg calls good AND valid: lines about expired or
 * revoked keys come with a "valid" of their own.
 *
 * @param path where the signature was found in the cache, if it is to be for that path
 */
export const verdictOf = (lines: readonly StatusLine[], path?: string): SignatureVerdict => {
  const good = lines.findIndex((line) => line.keyword === 'GOODSIG');
  const goodLine = lines[good];
  if (goodLine) {
    const ofIt = linesOfOne(lines, good);
    const valid = ofIt.find((line) => line.keyword === 'VALIDSIG');
    const fingerprint = valid?.args[9] ?? valid?.args[0];
    if (fingerprint) return boundVerdict(bindingOf(ofIt, path), { fingerprint, signedBy: userOf(goodLine) }, path);
  }
  for (const [keyword, text] of FAULTS) {
    const line = lines.find((one) => one.keyword === keyword);
    if (line) return { valid: false, ...text(line) };
  }
  return { valid: false, reason: 'unreadable', detail: 'gpg does not recognise it as a signature' };
};
