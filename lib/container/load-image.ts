import { readFile } from 'node:fs/promises';
import type { ArtifactRecord } from '../cache/types.ts';
import { isSlipwayError, slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { loadImage } from './image-archive.ts';
import { cachePaths, localReferences, plainReference } from './image-names.ts';
import { findLocalImage } from './local-image.ts';
import { inOwnFolder } from './own-folder.ts';
import type { Engine, ImageName } from './types.ts';

/** What the archives of older releases are packed with; zstd unpacks gzip as well. */
const OLD_EXTENSION = 'tar.gz';

const undefinedIfMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) return undefined;
    throw error;
  }
};

/**
 * The published ID of an image, verified like every artifact.
 *
 * @returns 64 hex digits, or undefined when the image is not published
 */
export const readPublishedId = (
  { cache, workFolder }: ContainerCacheSettings,
  path: string,
): Promise<string | undefined> =>
  inOwnFolder(workFolder, async (own) => {
    const fetched = await undefinedIfMissing(cache.fetch(path, own));
    if (fetched === undefined) return undefined;
    const content = (await readFile(fetched.file, 'utf8')).trim();
    if (!/^[0-9a-f]{64}$/.test(content)) throw slipwayError('CONTAINER_IMAGE_ID_INVALID', { path, content });
    return content;
  });

const fetchArchive = async ({ cache, format }: ContainerCacheSettings, image: ImageName, toFolder: string) => {
  for (const extension of new Set([format.extension, OLD_EXTENSION])) {
    const { archive } = cachePaths(image, extension);
    const fetched = await undefinedIfMissing(cache.fetch(archive, toFolder));
    if (fetched !== undefined) return fetched;
  }
  return undefined;
};

const fetchAndLoad = (settings: ContainerCacheSettings, image: ImageName): Promise<ArtifactRecord | undefined> =>
  inOwnFolder(settings.workFolder, async (own) => {
    const fetched = await fetchArchive(settings, image, own);
    if (fetched === undefined) return undefined;
    const { file, path, sizeBytes, sha256 } = fetched;
    await loadImage(settings, file, settings.format.decompress);
    return { path, sizeBytes, sha256 };
  });

/** An archive that podman wrote says `localhost/NAME:VERSION`, and docker takes that for another name. */
const normalizeName = async (engine: Engine, image: ImageName, publishedId: string): Promise<void> => {
  const reference = plainReference(image);
  if (engine.name === 'podman' || (await engine.imageId(reference)) === publishedId) return;
  if ((await engine.imageId(`localhost/${reference}`)) !== publishedId) return;
  await engine.tag(`localhost/${reference}`, reference);
  await engine.removeImage(`localhost/${reference}`);
};

const findByIdAmongNames = async (engine: Engine, image: ImageName, id: string): Promise<string | undefined> => {
  for (const reference of localReferences(image)) {
    if ((await engine.imageId(reference)) === id) return reference;
  }
  return undefined;
};

/** Takes the wrong image off its names again, so that nothing can use it by mistake. */
const rejectImage = async (
  engine: Engine,
  image: ImageName,
  expected: string,
  record: ArtifactRecord,
): Promise<never> => {
  const loaded = await findLocalImage(engine, image);
  for (const reference of localReferences(image)) await engine.removeImage(reference);
  const found = loaded?.id ?? 'that of an image with another name';
  throw slipwayError('CONTAINER_IMAGE_WRONG_ID', {
    image: plainReference(image),
    expected,
    found,
    source: record.path,
  });
};

/**
 * Fetches the archive of an image from the cache, verified, and loads it; the archive is removed again.
 *
 * @param publishedId the ID that the loaded image must have
 * @returns its reference and the archive's record, or undefined when the cache has no archive of it
 * Throws `CONTAINER_IMAGE_WRONG_ID`, after removing the wrong image.
 */
export const loadFromCache = async (
  settings: ContainerCacheSettings,
  image: ImageName,
  publishedId: string,
): Promise<{ reference: string; record: ArtifactRecord } | undefined> => {
  const { engine } = settings;
  const record = await fetchAndLoad(settings, image);
  if (record === undefined) return undefined;
  await normalizeName(engine, image, publishedId);
  const reference = await findByIdAmongNames(engine, image, publishedId);
  return reference ? { reference, record } : rejectImage(engine, image, publishedId, record);
};
