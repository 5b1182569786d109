import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRecord } from '../cache/types.ts';
import { slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { saveImage } from './image-archive.ts';
import { cachePaths, localReferences, plainReference, validateImageName } from './image-names.ts';
import { findLocalImages } from './local-image.ts';
import { inOwnFolder } from './own-folder.ts';
import type { ImageName } from './types.ts';

/**
 * Saves the image that the engine has, and publishes archive and `.id`; the `.id` appears last, for readers take it for the sign
 * that the image is there. Nothing stays in the work folder.
 */
export const publishImage = async (
  settings: ContainerCacheSettings,
  image: ImageName,
): Promise<readonly ArtifactRecord[]> => {
  validateImageName(image);
  const { engine, cache, workFolder, format } = settings;
  // What is built for a registry has its name; an image without it may be one that was fetched earlier.
  const local = (await findLocalImages(engine, image)).at(-1);
  if (!local) {
    const looked = localReferences(image).map((reference) => `this machine: no image ${reference}`);
    throw slipwayError('CONTAINER_IMAGE_MISSING', { image: plainReference(image), looked });
  }
  const { folder } = cachePaths(image, format.extension);
  const base = `${image.name}-${image.version}`;
  return inOwnFolder(workFolder, async (own) => {
    const archiveFile = join(own, `${base}.${format.extension}`);
    const idFile = join(own, `${base}.id`);
    await saveImage(settings, local.reference, archiveFile, format.compress);
    await writeFile(idFile, `${local.id}\n`, { mode: 0o644 });
    return cache.publish({ folder, files: [archiveFile, idFile], last: [`${base}.id`] });
  });
};
