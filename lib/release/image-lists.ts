import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import { STAMP } from './publisher.ts';
import type { ReleaseContext, ReleaseRequest } from './types.ts';

type Request = Pick<ReleaseRequest, 'profile' | 'facts'>;

/** Folder of an architecture's lists, relative to the root of the tree. */
const listFolder = ({ profile, facts }: Request, arch: string): string =>
  fill(profile.imageLists.folder, { ...facts, arch });

/** Folder of the cache for the lists. */
const cacheFolder = ({ profile, facts }: Request, arch: string): string =>
  fill(profile.imageLists.cacheFolder, { ...facts, arch });

/** Whether the lists in the tree are there and for this version, and not left by the release of another one. */
export const hasLists = async (root: string, request: Request, arch: string): Promise<boolean> => {
  const stamp = await readFile(join(root, listFolder(request, arch), STAMP), 'utf8').catch(() => undefined);
  return stamp === request.facts.version;
};

const findLists = async (root: string, request: Request, arch: string): Promise<string[]> => {
  const { prefix, suffixes } = request.profile.imageLists;
  const folder = listFolder(request, arch);
  const names = (await readdir(join(root, folder))).sort();
  const found = names.filter((name) => name.startsWith(prefix) && suffixes.some((suffix) => name.endsWith(suffix)));
  if (found.length === 0) throw slipwayError('RELEASE_LISTS_MISSING', { folder, version: request.facts.version });
  return found.map((name) => join(root, folder, name));
};

/**
 * Publishes the lists of images in the artifact cache, with digests and signatures.
 *
 * @throws RELEASE_LISTS_MISSING
 */
export const publishLists = async (
  context: ReleaseContext,
  request: Request & Pick<ReleaseRequest, 'arches'>,
): Promise<void> => {
  const { prefix, suffixes } = request.profile.imageLists;
  for (const arch of request.arches) {
    const files = context.plan
      ? suffixes.map((suffix) => join(context.root, listFolder(request, arch), `${prefix}*${suffix}`))
      : await findLists(context.root, request, arch);
    context.outputs.push(
      ...(await context.cache.publish({ folder: cacheFolder(request, arch), files, replace: true })),
    );
  }
};

/**
 * The text of the list of all regions: the one in the tree if it is for this version, else the published one.
 *
 * @throws CACHE_ARTIFACT_MISSING and the other errors of a fetch
 */
export const readFullList = async (context: ReleaseContext, request: Request, arch: string): Promise<string> => {
  const { all } = request.profile.imageLists;
  if (await hasLists(context.root, request, arch)) {
    return readFile(join(context.root, listFolder(request, arch), all), 'utf8');
  }
  const { file, ...record } = await context.cache.fetch(
    `${cacheFolder(request, arch)}/${all}`,
    join(context.temp, `lists-${arch}`),
  );
  context.inputs.push({ path: record.path, sizeBytes: record.sizeBytes, sha256: record.sha256 });
  return readFile(file, 'utf8');
};
