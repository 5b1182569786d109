import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { slipwayError } from '../errors/index.ts';
import { OWN_PREFIX, validatePath } from './paths.ts';
import type { CachePath, PublishRequest } from './types.ts';

/** Names that are about an artifact and are none themselves: they get no digests of their own (specification 4.5, 4.6). */
const SIGNATURE_NAME = /\.(asc|gpg|sig)$/;
const COMPANION_NAME = /\.(asc|gpg|sig|DIGESTS)$/;

/** One of the files of a publish request. */
export interface ArtifactFile {
  /** Absolute local path. */
  readonly file: string;
  readonly path: CachePath;
  /** Digests or a signature that came along with the artifacts. */
  readonly isCompanion: boolean;
  /** A signature; signed again it would make no sense. */
  readonly isSignature: boolean;
}

const invalid = (file: string, reason: string, cause?: unknown) =>
  slipwayError('ARTIFACT_FILE_INVALID', { file, reason }, cause);

interface NamedFile {
  readonly file: string;
  /** Below the request's folder. */
  readonly name: string;
}

const look = async (file: string) => {
  try {
    return await stat(file);
  } catch (error) {
    throw invalid(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
};

/** Files below a folder. Links to files count as files; links to folders could lead round in circles. */
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
      if ((await look(file)).isFile()) return [{ file, name }];
      throw invalid(file, entry.isSymbolicLink() ? 'it is a link to a folder' : 'it is not a regular file');
    });
  return (await Promise.all(found)).flat();
};

const filesOf = async (given: string): Promise<NamedFile[]> => {
  const stats = await look(given);
  if (stats.isFile()) return [{ file: given, name: basename(given) }];
  if (stats.isDirectory()) return walk(given, '');
  throw invalid(given, 'it is not a regular file');
};

/**
 * The files of a request with their places in the cache: a file at the folder's top, a folder's files below it.
 *
 * Throws `CACHE_PATH_INVALID`, also when two files have one place, and `ARTIFACT_FILE_INVALID`.
 */
export const collectArtifacts = async ({ folder, files }: PublishRequest): Promise<readonly ArtifactFile[]> => {
  const found = new Map<CachePath, ArtifactFile>();
  for (const given of files) {
    for (const { file, name } of await filesOf(given)) {
      const path = validatePath(folder === '' ? name : `${folder}/${name}`);
      const other = found.get(path);
      if (other && other.file !== file) {
        throw slipwayError('CACHE_PATH_INVALID', { path, reason: `both ${other.file} and ${file} would be there` });
      }
      found.set(path, { file, path, isCompanion: COMPANION_NAME.test(name), isSignature: SIGNATURE_NAME.test(name) });
    }
  }
  return [...found.values()];
};
