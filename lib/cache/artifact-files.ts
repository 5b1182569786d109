import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import { readLinkTarget } from './artifact-links.ts';
import { OWN_PREFIX, validatePath } from './paths.ts';
import type { CachePath, PublishRequest } from './types.ts';

/** Names that are about an artifact and are none themselves: they get no digests of their own (specification 4.5, 4.6). */
const SIGNATURE_NAME = /\.(asc|gpg|sig)$/;
const COMPANION_NAME = /\.(asc|gpg|sig|DIGESTS)$/;

/** What an artifact's name gets for its digests and signatures, and those of its digests. */
const COMPANION_ENDING = /(?:\.DIGESTS)?(?:\.asc|\.sig)?$/;

/** One of the files of a publish request. */
export interface ArtifactFile {
  /** Absolute local path. */
  readonly file: string;
  readonly path: CachePath;
  /** Digests or a signature that came along with the artifacts. */
  readonly isCompanion: boolean;
  /** A signature; signed again it would make no sense. */
  readonly isSignature: boolean;
  /** Of a symbolic link, which is published as one. */
  readonly linkTarget?: string;
  /** Whether there are bytes to digest: false for a link that dangles or leads to a folder. */
  readonly hasBytes: boolean;
}

const invalid = (file: string, reason: string, cause?: unknown) =>
  slipwayError('ARTIFACT_FILE_INVALID', { file, reason }, cause);

interface NamedFile {
  readonly file: string;
  /** Below the request's folder. */
  readonly name: string;
  readonly linkTarget?: string;
  readonly hasBytes: boolean;
}

const look = async (file: string, how: typeof stat): Promise<Stats> => {
  try {
    return await how(file);
  } catch (error) {
    throw invalid(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
};

const NOWHERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** What a link leads to; undefined when it leads nowhere. */
const follow = async (file: string): Promise<Stats | undefined> => {
  try {
    return await stat(file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (NOWHERE.has(code)) return undefined;
    throw invalid(file, `what it is a link to cannot be read (${code})`, error);
  }
};

const linkOf = async (file: string, name: string, target: Stats | undefined): Promise<NamedFile> => {
  if (target && !target.isFile() && !target.isDirectory()) throw invalid(file, 'it is not a link to a regular file');
  return { file, name, linkTarget: await readLinkTarget(file, name), hasBytes: target?.isFile() ?? false };
};

/** Files and links below a folder. */
const walk = async (folder: string, prefix: string): Promise<NamedFile[]> => {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(
    (entry) => !entry.name.startsWith(OWN_PREFIX),
  );
  const found = entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(async (entry): Promise<NamedFile[]> => {
      const file = join(folder, entry.name);
      const name = `${prefix}${entry.name}`;
      if (entry.isDirectory()) return walk(file, `${name}/`);
      if (entry.isSymbolicLink()) return [await linkOf(file, name, await follow(file))];
      if (entry.isFile()) return [{ file, name, hasBytes: true }];
      throw invalid(file, 'it is not a regular file');
    });
  return (await Promise.all(found)).flat();
};

/** A given link to a folder, such as `images/latest`, stands for the folder; one to a file is a link to publish. */
const filesOf = async (given: string): Promise<NamedFile[]> => {
  const itself = await look(given, lstat);
  const target = itself.isSymbolicLink() ? await follow(given) : itself;
  if (target?.isDirectory()) return walk(given, '');
  if (itself.isSymbolicLink()) return [await linkOf(given, basename(given), target)];
  if (itself.isFile()) return [{ file: given, name: basename(given), hasBytes: true }];
  throw invalid(given, 'it is not a regular file');
};

/**
 * The files of a request with their places in the cache: a file at the folder's top, a folder's files below it. What is left
 * out, with its digests and signatures, is not among them.
 *
 * Throws `CACHE_PATH_INVALID`, also when two files have one place, and `ARTIFACT_FILE_INVALID`.
 */
export const collectArtifacts = async (request: PublishRequest): Promise<readonly ArtifactFile[]> => {
  const { folder, files, leaveOut = [] } = request;
  const isLeftOut = (name: string): boolean => leaveOut.includes(name.replace(COMPANION_ENDING, ''));
  const found = new Map<CachePath, ArtifactFile>();
  for (const given of files) {
    for (const { name, ...one } of await filesOf(given)) {
      if (isLeftOut(name)) continue;
      const path = validatePath(folder === '' ? name : `${folder}/${name}`);
      const other = found.get(path);
      if (other && other.file !== one.file) {
        throw slipwayError('CACHE_PATH_INVALID', { path, reason: `both ${other.file} and ${one.file} would be there` });
      }
      found.set(path, { ...one, path, isCompanion: COMPANION_NAME.test(name), isSignature: SIGNATURE_NAME.test(name) });
    }
  }
  return [...found.values()];
};
