import type { Algorithm, Digests } from './types.ts';

/** The algorithms of a `.DIGESTS` file, in the order in which it has them (specification 4.5). */
export const DIGESTS_ALGORITHMS = ['md5', 'sha1', 'sha512'] as const;

/** One of {@link DIGESTS_ALGORITHMS}. */
export type DigestsAlgorithm = (typeof DIGESTS_ALGORITHMS)[number];

/** `md5sum` and its kin mark the digest of a file whose name they have to escape. */
const needsMark = (name: string): boolean => /[\\\n\r]/.test(name);

/**
 * The bytes of `NAME.DIGESTS`.
 *
 * @param name the file's name without folder
 * @example
 * formatDigests('hello.txt', digests)
 * // # MD5 HASH
 * // b1946ac92492d2347c6235b4d2611184  hello.txt
 * // # SHA1 HASH
 * // f572d396fae9206628714fb2ce00f72e94f2258f  hello.txt
 * // # SHA512 HASH
 * // e7c22b99...  hello.txt
 */
export const formatDigests = (name: string, digests: Digests<DigestsAlgorithm>): string =>
  DIGESTS_ALGORITHMS.map(
    (algorithm) => `# ${algorithm.toUpperCase()} HASH\n${needsMark(name) ? '\\' : ''}${digests[algorithm]}  ${name}\n`,
  ).join('');

const unescapeName = (name: string): string =>
  name.replace(/\\([\\nr])/g, (_all, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? letter);

const isDigestOf = (algorithm: string, hex: string): boolean =>
  hex.length === { md5: 32, sha1: 40, sha256: 64, sha512: 128 }[algorithm];

/**
 * Reads the digests of one file from the text of a `.DIGESTS` file. Sections of unknown algorithms (BLAKE2B) and lines about other
 * files are passed over, as in the files that Gentoo's catalyst writes.
 *
 * @param text what {@link formatDigests} or catalyst wrote
 * @param name the file's name without folder
 * @returns the digests that there are; a digest that is not well-formed counts as absent
 */
export const parseDigests = (text: string, name: string): Partial<Digests> => {
  const found: Partial<Record<Algorithm, string>> = {};
  let algorithm = '';
  for (const line of text.split('\n')) {
    const header = /^# (\w+) HASH\s*$/.exec(line);
    if (header) algorithm = header[1]?.toLowerCase() ?? '';
    const entry = /^(\\?)([0-9a-f]+) [ *](.*)$/is.exec(line);
    if (!entry || !isDigestOf(algorithm, entry[2] ?? '')) continue;
    const [, mark, hex = '', listed = ''] = entry;
    if (listed !== name && !(mark && unescapeName(listed) === name)) continue;
    found[algorithm as Algorithm] ??= hex.toLowerCase();
  }
  return found;
};
