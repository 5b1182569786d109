import type { ArtifactRecord } from '../cache/types.ts';
import { validateImageName } from './image-names.ts';
import type { ImageFile } from './layers/index.ts';
import { inOwnFolder } from './own-folder.ts';
import { type StoringSettings, storeImage } from './publish-deduplicated.ts';
import { publishSet } from './publish-set.ts';
import type { ImageName } from './types.ts';

/**
 * Publishes an image that lies on the disk into the deduplicated store, without an engine. Its ID is the digest of its configuration, as
 * docker's own store and podman count; the `.id` appears last.
 *
 * @param settings `workFolder`: absolute path of an existing folder for what is on its way
 * Throws `CONTAINER_NAME_INVALID`, `IMAGE_FILE_INVALID`, `DEDUP_DIGEST_MISMATCH` for a layer that is not what its diff ID says,
 * `CACHE_VERSION_DIFFERS` when another image of that name and version is published.
 */
export const importImage = async (
  settings: StoringSettings & { readonly workFolder: string },
  image: ImageName,
  source: ImageFile,
): Promise<readonly ArtifactRecord[]> => {
  validateImageName(image);
  return inOwnFolder(settings.workFolder, async (own) => {
    const stored = await storeImage(settings, image, source, own);
    return publishSet(settings.cache, { image, id: source.imageId, own, archives: new Map(), stored });
  });
};
