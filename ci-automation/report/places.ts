import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { slipwayError } from '../../lib/errors/index.ts';
import { listRecordings } from '../../lib/recording/index.ts';
import { EVENTS_FOLDER } from '../../lib/step/index.ts';

/** The folder of events of a tree, or the path as it is. */
const intoTree = (path: string): string => (existsSync(join(path, EVENTS_FOLDER)) ? join(path, EVENTS_FOLDER) : path);

/** The trees of local nightlies. */
const nightlyFolders = (slipwayCache: string): string[] => {
  const nightly = join(slipwayCache, 'nightly');
  return existsSync(nightly) ? readdirSync(nightly).map((name) => join(nightly, name, 'tree', EVENTS_FOLDER)) : [];
};

const newestOf = (folder: string): string => listRecordings(folder).at(-1)?.startedAt ?? '';

/**
 * Where events are when nobody says: in the tree that the caller is in; from anywhere else, those of the local nightly that ran last.
 *
 * @throws EVENTS_NONE
 */
export const defaultFolder = (cwd: string, slipwayCache: string): string => {
  const here = join(cwd, EVENTS_FOLDER);
  if (existsSync(here)) return here;
  const [newest] = nightlyFolders(slipwayCache).sort((a, b) => newestOf(b).localeCompare(newestOf(a)));
  if (newest !== undefined && newestOf(newest) !== '') return newest;
  throw slipwayError('EVENTS_NONE', { place: cwd });
};

/** Absolute paths of the files and folders that are named, a tree's folder of events for a tree; or of the default. */
export const findPlaces = (named: readonly string[], cwd: string, slipwayCache: string): string[] =>
  named.length > 0 ? named.map((path) => intoTree(resolve(cwd, path))) : [defaultFolder(cwd, slipwayCache)];
