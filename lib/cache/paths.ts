import { slipwayError } from '../errors/index.ts';
import type { CachePath } from './types.ts';

/** Folder below the prefix where sets are gathered before they are published; no artifact can be in it. */
export const STAGING = '.staging';

/** Names of our own temporary files beside artifacts begin so; they are never published. */
export const OWN_PREFIX = '.slipway-';

const MAX_NAME_BYTES = 255;

const faultOf = (name: string): string | undefined => {
  if (name === '') return "it has an empty name (a '/' at an end, or two in a row)";
  if (name === '.' || name === '..') return `it has the name '${name}'`;
  if (/\p{Cc}/u.test(name)) return 'it has a control character';
  if (!name.isWellFormed()) return 'it is not valid Unicode';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a name in it is longer than ${MAX_NAME_BYTES} bytes`;
  return undefined;
};

/**
 * Makes sure that a path stays below the prefix on every store and in every URL, and gives it back.
 *
 * Throws `CACHE_PATH_INVALID`.
 */
export const validatePath = (path: CachePath): CachePath => {
  const names = path.split('/');
  const reason =
    names.map(faultOf).find((fault) => fault !== undefined) ??
    (names[0] === STAGING ? `'${STAGING}' is where the cache keeps unfinished transfers` : undefined);
  if (reason) throw slipwayError('CACHE_PATH_INVALID', { path, reason });
  return path;
};

/** Like {@link validatePath}; the empty path, which is the whole cache, is fine too. */
export const validateFolder = (folder: CachePath): CachePath => (folder === '' ? folder : validatePath(folder));

/** The folder part of a path; empty for a name at the top. */
export const folderOf = (path: CachePath): CachePath => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** A name in a folder; the empty folder is the whole cache. */
export const joinPath = (folder: CachePath, name: string): CachePath => (folder === '' ? name : `${folder}/${name}`);

/** The last name of a path. */
export const nameOf = (path: CachePath): string => path.slice(path.lastIndexOf('/') + 1);

/** All folders above the paths, each once, outer ones first. */
export const foldersAbove = (paths: readonly CachePath[]): readonly CachePath[] => {
  const folders = new Set<CachePath>();
  for (const path of paths) {
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) folders.add(folder);
  }
  return [...folders].sort((a, b) => a.split('/').length - b.split('/').length);
};

/** The deepest folder that all paths have in common; empty when that is the whole cache. */
export const commonFolder = (paths: readonly CachePath[]): CachePath => {
  const [first = [], ...rest] = paths.map((path) => path.split('/').slice(0, -1));
  let depth = first.length;
  for (const names of rest)
    while (depth > 0 && names.slice(0, depth).join('/') !== first.slice(0, depth).join('/')) depth -= 1;
  return first.slice(0, depth).join('/');
};

/**
 * The URL of a file.
 *
 * @param baseUrl with or without `/` at the end
 * @example urlOf('https://cache.example', 'images/4799.0.0+nightly/a b') // https://cache.example/images/4799.0.0+nightly/a%20b
 */
export const urlOf = (baseUrl: string, path: CachePath): string =>
  // A raw '+' is what the build cache protocol has in URLs (specification 4.1); some servers take %2B for another name.
  `${baseUrl.replace(/\/+$/, '')}/${path.split('/').map(encodeURIComponent).join('/').replaceAll('%2B', '+')}`;
