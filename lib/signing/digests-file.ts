import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DIGESTS_ALGORITHMS, formatDigests, parseDigests } from './digests-format.ts';
import { type HashedFile, type HashFile, hashFile } from './hash-file.ts';
import { temporaryBeside } from './temporary-file.ts';
import type { Algorithm, Digests } from './types.ts';

/** What is appended to an artifact's name for its digests. */
export const DIGESTS_SUFFIX = '.DIGESTS';

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const agrees = (listed: Partial<Digests>, actual: Digests): boolean =>
  listed.sha512 !== undefined &&
  (Object.entries(listed) as [Algorithm, string][]).every(([algorithm, hex]) => actual[algorithm] === hex);

const replaceFile = async (file: string, text: string): Promise<void> => {
  const temporary = temporaryBeside(file);
  try {
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
};

/**
 * Makes sure that `FILE.DIGESTS` beside `file` is there and right. One that is (catalyst writes them with more algorithms) is kept
 * byte for byte; one that is stale or says nothing of this file is written anew.
 *
 * @param file absolute path; a link counts as what it points to, under the link's name
 * @param options.hashFile digests the file; default {@link hashFile}
 * @returns all four digests of the file, and its size
 */
export const ensureDigestsFile = async (
  file: string,
  options: { readonly signal?: AbortSignal; readonly hashFile?: HashFile } = {},
): Promise<HashedFile<Algorithm>> => {
  const hash = options.hashFile ?? hashFile;
  const hashed = await hash(file, [...DIGESTS_ALGORITHMS, 'sha256'] as const, options);
  const digestsFile = `${file}${DIGESTS_SUFFIX}`;
  const name = basename(file);
  const present = await readIfThere(digestsFile);
  if (present !== undefined && agrees(parseDigests(present, name), hashed.digests)) return hashed;
  await replaceFile(digestsFile, formatDigests(name, hashed.digests));
  return hashed;
};

/** How a file compares with a `.DIGESTS` text. */
export type DigestsCheck =
  | { readonly state: 'ok'; readonly sizeBytes: number; readonly sha256: string }
  | { readonly state: 'mismatch'; readonly algorithm: Algorithm; readonly expected: string; readonly found: string }
  | { readonly state: 'unlisted' };

/**
 * Checks a file against the text of its `.DIGESTS`: SHA-512 must be listed and right. MD5 and SHA-1 prove nothing that
 * SHA-512 does not and are not computed.
 *
 * @param file absolute path
 * @param name the name under which the text lists it
 */
export const checkDigests = async (
  file: string,
  name: string,
  digestsText: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<DigestsCheck> => {
  const expected = parseDigests(digestsText, name).sha512;
  if (expected === undefined) return { state: 'unlisted' };
  const { digests, sizeBytes } = await hashFile(file, ['sha256', 'sha512'] as const, options);
  if (digests.sha512 === expected) return { state: 'ok', sizeBytes, sha256: digests.sha256 };
  return { state: 'mismatch', algorithm: 'sha512', expected, found: digests.sha512 };
};
