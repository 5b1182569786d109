import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheStore } from '../cache/index.ts';
import { DIGESTS_SUFFIX, hashFile, parseDigests } from '../signing/index.ts';
import type { ChainLink, ChainWalker } from './chain.ts';
import type { Evidence } from './find-maker.ts';
import { PROVENANCE_FOLDER, versionOfPath } from './place.ts';
import type { StatementReader } from './statements.ts';

/** Which artifacts of a version are to be verified. */
export interface Wanted {
  /** Cache form. */
  readonly version: string;
  /** Undefined: all. */
  readonly arch?: string;
  /** Vendor formats; undefined: everything that the version has. */
  readonly formats?: readonly string[];
}

/** What verifying works with. */
export interface VerifyVersionParts {
  readonly store: CacheStore;
  readonly reader: StatementReader;
  readonly walker: ChainWalker;
  /** All vendor formats that there are: a name belongs to the longest that is in it. */
  readonly knownFormats: readonly string[];
  /** Paths of the artifacts that the cache has of the version. */
  readonly stored: readonly string[];
  /** Go by `.DIGESTS` instead of fetching, where a statement has the digest that is in it. */
  readonly quick: boolean;
  /** Absolute path of a folder for temporary files. */
  readonly temp: string;
  readonly signal: AbortSignal;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const hasWord = (name: string, word: string): boolean => `_${name.replaceAll(/[.-]/g, '_')}_`.includes(`_${word}_`);

/** The vendor format in a file's name, for example `ami_vmdk` in `flatcar_production_ami_vmdk_image.vmdk.bz2`. */
export const formatOfName = (name: string, known: readonly string[]): string | undefined =>
  known.filter((format) => hasWord(name, format)).sort((a, b) => b.length - a.length)[0];

const isOfArch = (path: string, arch: string): boolean =>
  path.split('/').some((name) => name === arch || name === `${arch}-usr`) || hasWord(nameOf(path), arch);

const isOfFormats = (path: string, formats: readonly string[], known: readonly string[]): boolean =>
  path.startsWith('images/') && formats.includes(formatOfName(nameOf(path), known) ?? '');

/** What is in the cache of a version, and what should be by its statements. */
const targetsOf = async (
  { version, arch, formats }: Wanted,
  { reader, stored, knownFormats }: VerifyVersionParts,
): Promise<readonly string[]> => {
  const { good } = await reader.ofVersion(version);
  const stated = good.flatMap(({ statement }) => [...statement.subjects.keys()]);
  // What versions share is replaced by later builds; it counts where it was used.
  const own = [...new Set([...stated, ...stored])].filter((path) => versionOfPath(path) === version);
  return own
    .filter((path) => !path.startsWith(`${PROVENANCE_FOLDER}/`))
    .filter((path) => arch === undefined || isOfArch(path, arch))
    .filter((path) => formats === undefined || isOfFormats(path, formats, knownFormats))
    .sort((a, b) => (a < b ? -1 : 1));
};

/** The digest that `.DIGESTS` has, if a statement can be compared with it. */
const quickEvidence = async (
  path: string,
  version: string,
  { store, reader }: VerifyVersionParts,
): Promise<Evidence | undefined> => {
  const { good } = await reader.ofVersion(version);
  if (!good.some(({ statement }) => statement.subjects.get(path)?.sha512 !== undefined)) return undefined;
  const text = await store.readText(`${path}${DIGESTS_SUFFIX}`);
  const hex = text === undefined ? undefined : parseDigests(text, nameOf(path)).sha512;
  return hex === undefined ? undefined : { algorithm: 'sha512', hex, says: 'its .DIGESTS has' };
};

const bytesEvidence = async (path: string, { store, temp, signal }: VerifyVersionParts): Promise<Evidence> => {
  const file = join(temp, 'artifact');
  try {
    await store.download(path, file);
    const { digests } = await hashFile(file, ['sha256'], { signal });
    return { algorithm: 'sha256', hex: digests.sha256, says: 'its bytes have' };
  } finally {
    await rm(file, { force: true });
  }
};

const linkOf = async (path: string, version: string, parts: VerifyVersionParts): Promise<ChainLink> => {
  if ((await parts.store.size(path)) === undefined)
    return { kind: 'artifact', name: path, state: 'broken', why: 'it is stated, but not in the cache', links: [] };
  const quick = parts.quick ? await quickEvidence(path, version, parts) : undefined;
  if (quick) return parts.walker.artifact(path, quick, 'by .DIGESTS');
  return parts.walker.artifact(path, await bytesEvidence(path, parts), 'bytes hashed');
};

/**
 * Walks from the artifacts of a version back to the tag that it was built from.
 *
 * @returns a chain for each artifact, none when there is no such artifact; when all of the version is verified also one for each file that should be
 *   a statement and is none
 */
export const verifyVersion = async (wanted: Wanted, parts: VerifyVersionParts): Promise<readonly ChainLink[]> => {
  const chains: ChainLink[] = [];
  for (const path of await targetsOf(wanted, parts)) {
    parts.signal.throwIfAborted();
    chains.push(await linkOf(path, wanted.version, parts));
  }
  if (wanted.formats !== undefined) return chains;
  const { bad } = await parts.reader.ofVersion(wanted.version);
  return [
    ...chains,
    ...bad.map(({ path, why }): ChainLink => ({ kind: 'other', name: path, state: 'broken', why, links: [] })),
  ];
};
