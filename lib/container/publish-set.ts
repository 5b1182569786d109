import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactCache, ArtifactRecord, KnownDigests } from '../cache/types.ts';
import { cachePaths } from './image-names.ts';
import type { StoredImage } from './publish-deduplicated.ts';
import type { ImageName } from './types.ts';

/** What is published of an image. */
export interface ImageSet {
  readonly image: ImageName;
  /** The engine's ID of the image, 64 hex digits. */
  readonly id: string;
  /** Absolute path of an own folder. */
  readonly own: string;
  /** Absolute paths of whole archives, with digests that were made while they were written; none in the deduplicated layout. */
  readonly archives: ReadonlyMap<string, KnownDigests>;
  /** Undefined in the flat layout. */
  readonly stored: StoredImage | undefined;
}

/** Publishes archive and manifest, and the `.id` last, for readers take it for the sign that the image is there. */
export const publishSet = async (cache: ArtifactCache, set: ImageSet): Promise<readonly ArtifactRecord[]> => {
  const { image, id, own, stored } = set;
  // The extension is of no matter to the names that are needed here.
  const paths = cachePaths(image, '');
  const { folder } = paths;
  const name = `${image.name}-${image.version}.id`;
  const idFile = join(own, name);
  await writeFile(idFile, `${id}\n`, { mode: 0o644 });
  const files = [...set.archives.keys(), ...(stored ? [stored.manifestFile] : []), idFile];
  // A manifest whose contents were lost is replaced when the very same image is stored again.
  const heals = stored?.hasSentLayers === true && (await cache.store.readText(paths.id))?.trim() === id;
  const records = await cache.publish({
    folder,
    files,
    last: [name],
    sameBy: name,
    replace: heals,
    known: set.archives,
  });
  await stored?.confirm();
  return records;
};
