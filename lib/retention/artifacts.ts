import type { CacheStore } from '../cache/index.ts';
import { fill } from '../config/index.ts';
import type { VersionNumber } from '../version/index.ts';
import type { RetentionProfile } from './profile.ts';

/** Lists folders of the cache. */
export interface Lister {
  /** Names in a folder, sorted; empty when there is no such folder. Throws when the cache does not answer. */
  list(folder: string): Promise<readonly string[]>;
  /** Names of the folders in a folder. */
  listFolders(folder: string): Promise<readonly string[]>;
}

/** Remembers what was listed: one look at each folder, however many versions are looked for in it. */
export const rememberLists = (lister: Lister): Lister => {
  const remember = (ask: (folder: string) => Promise<readonly string[]>) => {
    const seen = new Map<string, Promise<readonly string[]>>();
    return (folder: string): Promise<readonly string[]> => {
      const known = seen.get(folder) ?? ask(folder);
      seen.set(folder, known);
      return known;
    };
  };
  return { list: remember(lister.list), listFolders: remember(lister.listFolders) };
};

/** Digests and signatures. */
const COMPANION = /\.(asc|sig|DIGESTS)$/;

const isMatch = (pattern: string, name: string): boolean => {
  const [head = '', tail] = pattern.split('*');
  if (tail === undefined) return pattern === name;
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
};

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** The paths that are there of those that a pattern stands for; the cache's names are matched here, and by no shell. */
const findPaths = async (pattern: string, lister: Lister): Promise<readonly string[]> => {
  const words = pattern.split('/');
  let found: readonly string[] = [''];
  for (const [at, word] of words.entries()) {
    const isLast = at === words.length - 1;
    const next: string[] = [];
    for (const folder of found) {
      // Whether a folder on the way is there shows when it is looked into.
      if (!isLast && !word.includes('*')) next.push(join(folder, word));
      else {
        const names = isLast ? await lister.list(folder) : await lister.listFolders(folder);
        next.push(...names.filter((name) => isMatch(word, name)).map((name) => join(folder, name)));
      }
    }
    found = next;
  }
  return found;
};

/**
 * What a version has in the cache: exact paths of what is there, for deleting. A folder in which nothing else is stands for its content.
 *
 * @param version read from a checked version file, so that it cannot lead out of the folders
 */
export const findArtifacts = async (
  { artifacts, foldersIfEmpty }: RetentionProfile['builds'],
  { cacheForm, dockerForm }: VersionNumber,
  lister: Lister,
): Promise<readonly string[]> => {
  const facts = { version: cacheForm, versionTag: dockerForm };
  let paths: string[] = [];
  for (const template of artifacts) paths.push(...(await findPaths(fill(template, facts), lister)));
  for (const template of foldersIfEmpty) {
    for (const folder of await findPaths(fill(template, facts), lister)) {
      const inside = (await lister.list(folder)).map((name) => `${folder}/${name}`);
      if (inside.every((path) => paths.includes(path))) {
        paths = [...paths.filter((path) => !inside.includes(path)), folder];
      }
    }
  }
  return paths;
};

/**
 * Paths of all artifacts that a version has in the cache, without the digests and signatures beside them.
 *
 * @param version checked, so that it cannot lead out of the folders
 */
export const listArtifacts = async (
  rules: RetentionProfile['builds'],
  version: VersionNumber,
  store: Pick<CacheStore, 'list'>,
): Promise<readonly string[]> => {
  const listFolders = (folder: string): Promise<readonly string[]> => store.list(folder, { onlyFolders: true });
  const lister = rememberLists({ list: (folder) => store.list(folder), listFolders });
  const below = async (folder: string): Promise<readonly string[]> => {
    const [names, folders] = [await lister.list(folder), await lister.listFolders(folder)];
    const inner: string[] = [];
    for (const name of folders) inner.push(...(await below(`${folder}/${name}`)));
    return [...names.filter((name) => !folders.includes(name)).map((name) => `${folder}/${name}`), ...inner];
  };
  const found: string[] = [];
  for (const path of await findArtifacts({ ...rules, foldersIfEmpty: [] }, version, lister)) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const isFolder = (await lister.listFolders(folder)).includes(path.slice(folder.length + 1));
    found.push(...(isFolder ? await below(path) : [path]));
  }
  return found.filter((path) => !COMPANION.test(path)).sort((a, b) => (a < b ? -1 : 1));
};
