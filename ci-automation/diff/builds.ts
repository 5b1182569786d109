import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactCache } from '../../lib/cache/index.ts';
import { isSlipwayError, slipwayError } from '../../lib/errors/index.ts';
import { formatOfName } from '../../lib/provenance/index.ts';
import { knownTrees, readTreeDescription, type TreeDescription } from '../../lib/tree/index.ts';
import { SLIPWAY_ROOT } from '../run-as-script.ts';

/** Published images of one version, and the tree that they are of. */
export interface Build {
  /** Cache form. */
  readonly version: string;
  /** Folder in the cache. */
  readonly folder: string;
  readonly tree: TreeDescription;
  /** Names of what is published there, without digests and signatures. */
  readonly names: readonly string[];
}

const COMPANION = /\.(sig|asc|DIGESTS)$/;

/** The description of the tree that a build is of: the one named, else the one whose image is there. */
const treeOf = async (names: readonly string[], named: string): Promise<TreeDescription | undefined> => {
  for (const name of named === '' ? await knownTrees() : [named]) {
    const file = name.endsWith('.yaml') ? name : join(SLIPWAY_ROOT, 'config', 'trees', `${name}.yaml`);
    const tree = await readTreeDescription(file);
    if (named !== '' || names.includes(tree.image.file)) return tree;
  }
  return undefined;
};

/** Finds a build in the cache. @throws DIFF_NOT_PUBLISHED */
export const findBuild = async (
  { store }: ArtifactCache,
  version: string,
  { arch, tree: named }: { arch: string; tree: string },
): Promise<Build> => {
  const folder = `images/${arch}/${version}`;
  const names = (await store.list(folder)).filter((name) => !COMPANION.test(name));
  const tree = names.length > 0 ? await treeOf(names, named) : undefined;
  if (!tree) throw slipwayError('DIFF_NOT_PUBLISHED', { version, what: folder, location: store.location });
  return { version, folder, tree, names };
};

/** A published text, verified; undefined where there is none. */
export const fetchText = async (
  cache: ArtifactCache,
  { folder }: Build,
  name: string | undefined,
  temp: string,
): Promise<string | undefined> => {
  if (name === undefined) return undefined;
  try {
    return await readFile((await cache.fetch(`${folder}/${name}`, temp)).file, 'utf8');
  } catch (error) {
    if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) return undefined;
    throw error;
  }
};

/** Names of the images to compare: the generic one, or those of a vendor format that both have. @throws DIFF_NOT_PUBLISHED */
export const imagesToCompare = (before: Build, after: Build, format: string | undefined): string[] => {
  if (format === undefined) return [after.tree.image.file];
  const known = Object.keys(after.tree.vms.formats);
  const ofFormat = ({ names }: Build): string[] => names.filter((name) => formatOfName(name, known) === format);
  const both = ofFormat(after).filter((name) => before.names.includes(name));
  if (both.length > 0) return both;
  const { version } = ofFormat(before).length > 0 ? after : before;
  throw slipwayError('DIFF_NOT_PUBLISHED', { version, what: `the format ${format}`, location: before.folder });
};
