import { join } from 'node:path';
import type { ArtifactRecord, KnownDigests } from '../cache/types.ts';
import { slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { saveImage } from './image-archive.ts';
import { localReferences, plainReference, validateImageName } from './image-names.ts';
import { openImageSource } from './layers/index.ts';
import { findLocalImages } from './local-image.ts';
import { inOwnFolder } from './own-folder.ts';
import { storeImage } from './publish-deduplicated.ts';
import { publishSet } from './publish-set.ts';
import type { ImageName } from './types.ts';

/**
 * Publishes the image that the engine has, in the layout that the settings say; the `.id` appears last, for readers take it for the sign
 * that the image is there. Nothing stays in the work folder.
 */
export const publishImage = async (
  settings: ContainerCacheSettings,
  image: ImageName,
): Promise<readonly ArtifactRecord[]> => {
  validateImageName(image);
  const { engine, cache, workFolder, format, layout } = settings;
  // What is built for a registry has its name; an image without it may be one that was fetched earlier.
  const local = (await findLocalImages(engine, image)).at(-1);
  if (!local) {
    const looked = localReferences(image).map((reference) => `this machine: no image ${reference}`);
    throw slipwayError('CONTAINER_IMAGE_MISSING', { image: plainReference(image), looked });
  }
  const base = `${image.name}-${image.version}`;
  return inOwnFolder(workFolder, async (own) => {
    const archives = new Map<string, KnownDigests>();
    const source = layout === 'flat' ? undefined : await openImageSource(settings, local.reference);
    const stored = source && (await storeImage(settings, image, source, own));
    if (layout !== 'dedup') {
      const archiveFile = join(own, `${base}.${format.extension}`);
      archives.set(archiveFile, await saveImage(settings, local.reference, archiveFile, format.compress));
    }
    return publishSet(cache, { image, id: local.id, own, archives, stored });
  });
};
