import { chainIdsOf } from './chain-id.ts';
import type { LayerTools } from './types.ts';

/**
 * Which layers of an image the engine lacks. docker knows a layer only together with those below it, podman by itself.
 *
 * @param diffIds all layers of the image, 64 hex digits, lowest first
 * @returns their diff IDs; one that comes twice in the image is lacked when it is lacked at one place
 */
export const missingLayers = async (
  { engine }: Pick<LayerTools, 'engine'>,
  diffIds: readonly string[],
): Promise<ReadonlySet<string>> => {
  const { kind } = engine.storage;
  // It would take the gap for a layer of the image: what is loaded could be run, but not saved or pushed.
  if (kind === 'containerd') return new Set(diffIds);
  const images = await engine.layersOfAllImages();
  if (kind === 'podman') {
    const known = new Set(images.flat());
    return new Set(diffIds.filter((diffId) => !known.has(diffId)));
  }
  const known = new Set(images.flatMap(chainIdsOf));
  const chainIds = chainIdsOf(diffIds);
  return new Set(diffIds.filter((_, at) => !known.has(chainIds[at] ?? '')));
};
