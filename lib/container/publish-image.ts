import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRecord } from '../cache/types.ts';
import { slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { saveImage } from './image-archive.ts';
import { cachePaths, localReferences, plainReference, validateImageName } from './image-names.ts';
import { findLocalImages } from './local-image.ts';
import { inOwnFolder } from './own-folder.ts';
import { storeImage } from './publish-deduplicated.ts';
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
  const paths = cachePaths(image, format.extension);
  const { folder } = paths;
  const base = `${image.name}-${image.version}`;
  return inOwnFolder(workFolder, async (own) => {
    const files: string[] = [];
    const stored = layout === 'flat' ? undefined : await storeImage(settings, image, local, own);
    if (layout !== 'dedup') {
      const archiveFile = join(own, `${base}.${format.extension}`);
      await saveImage(settings, local.reference, archiveFile, format.compress);
      files.push(archiveFile);
    }
    if (stored) files.push(stored.manifestFile);
    const idFile = join(own, `${base}.id`);
    await writeFile(idFile, `${local.id}\n`, { mode: 0o644 });
    const id = `${base}.id`;
    // A manifest whose contents were lost is replaced when the very same image is stored again.
    const heals = stored?.hasSentLayers === true && (await cache.store.readText(paths.id))?.trim() === local.id;
    const records = await cache.publish({ folder, files: [...files, idFile], last: [id], sameBy: id, replace: heals });
    await stored?.confirm();
    return records;
  });
};
