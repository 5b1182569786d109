import { slipwayError } from '../errors/index.ts';
import { deriveDockerForm } from '../version/index.ts';
import type { CacheTools, SurveyedFile } from './types.ts';

/** A version in the cache, with all its folders. */
export interface CachedVersion {
  /** As container tags have it: `-` for `+`. */
  readonly version: string;
  /** For example `containers/4799.0.0-nightly-1`, `images/amd64/4799.0.0+nightly-1`. */
  readonly folders: readonly string[];
  readonly files: readonly SurveyedFile[];
  readonly sizeBytes: number;
  /** Of the file that was changed last. */
  readonly newestMs: number;
}

const BEGINS_LIKE_VERSION = /^\d+\.\d+\.\d+(?:[-+]|$)/;

/**
 * The folder of a version in which a file is: the first name like a version, at most below `KIND/ARCH/`.
 *
 * @example versionFolderOf('images/amd64/4799.0.0+n1/a.bin') // 'images/amd64/4799.0.0+n1'
 */
export const versionFolderOf = (path: string): string | undefined => {
  const names = path.split('/').slice(0, -1);
  const at = names.slice(0, 3).findIndex((name) => BEGINS_LIKE_VERSION.test(name));
  return at < 1 ? undefined : names.slice(0, at + 1).join('/');
};

/** The version of a folder of `versionFolderOf`. */
export const versionOfFolder = (folder: string): string => deriveDockerForm(folder.slice(folder.lastIndexOf('/') + 1));

/** The versions that files belong to, the one that was changed last first. What is outside of versions' folders does not count. */
export const versionsOf = (files: readonly SurveyedFile[]): CachedVersion[] => {
  const found = new Map<string, { folders: Set<string>; files: SurveyedFile[] }>();
  for (const file of files) {
    const folder = versionFolderOf(file.path);
    if (folder === undefined) continue;
    const version = versionOfFolder(folder);
    const known = found.get(version) ?? { folders: new Set(), files: [] };
    known.folders.add(folder);
    known.files.push(file);
    found.set(version, known);
  }
  return [...found]
    .map(([version, one]) => ({
      version,
      folders: [...one.folders].sort((a, b) => (a < b ? -1 : 1)),
      files: one.files,
      sizeBytes: one.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      newestMs: Math.max(...one.files.map(({ modifiedMs }) => modifiedMs)),
    }))
    .sort((a, b) => b.newestMs - a.newestMs || (a.version < b.version ? 1 : -1));
};

/** The version that somebody named, in either form. Throws `CACHE_NO_SUCH_VERSION`. */
export const requireVersion = ({ store }: CacheTools, files: readonly SurveyedFile[], name: string): CachedVersion => {
  const versions = versionsOf(files);
  const found = versions.find(({ version }) => version === deriveDockerForm(name));
  if (found) return found;
  const known = versions.map(({ version }) => version);
  throw slipwayError('CACHE_NO_SUCH_VERSION', { version: name, location: store.location, known });
};
