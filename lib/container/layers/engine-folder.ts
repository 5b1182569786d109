import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageFacts } from '../types.ts';
import { chainIdsOf } from './chain-id.ts';
import type { LayerFolder } from './folder-layer.ts';
import type { ImageConfig } from './types.ts';

const readText = (...path: string[]): Promise<string | undefined> =>
  readFile(join(...path), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/**
 * Reads an image's configuration from the folder of docker's `overlay2` driver. As it is named by its sha256, it is the right one even if
 * the engine is on another machine and this folder another engine's.
 *
 * @param root the engine's folder; absolute path
 * @returns undefined when it is not there, not readable for us, or not what its name says
 */
export const readConfigInFolder = async (root: string, imageId: string): Promise<ImageConfig | undefined> => {
  const path = join(root, 'image/overlay2/imagedb/content/sha256', imageId);
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && hash('sha256', bytes) === imageId ? { bytes, digest: imageId } : undefined;
};

/**
 * Where the engine's folder has a layer of an image.
 *
 * @param diffId one of the image's
 * @returns undefined when something of it is missing or not readable
 */
export const findLayerFolder = async (
  root: string,
  { diffIds }: Pick<ImageFacts, 'diffIds'>,
  diffId: string,
): Promise<LayerFolder | undefined> => {
  const chainId = chainIdsOf(diffIds)[diffIds.indexOf(diffId)];
  const layer = join(root, 'image/overlay2/layerdb/sha256', chainId ?? '');
  const [diff, cacheId] = await Promise.all([readText(layer, 'diff'), readText(layer, 'cache-id')]);
  if (diff !== `sha256:${diffId}` || !cacheId || !/^[\w-]+$/.test(cacheId)) return undefined;
  return { diffId, tarSplitFile: join(layer, 'tar-split.json.gz'), folder: join(root, 'overlay2', cacheId, 'diff') };
};
