import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ArtifactCache, ArtifactRecord } from '../cache/types.ts';
import { isSlipwayError, SlipwayError, slipwayError } from '../errors/index.ts';
import type { ArchiveIndex } from './archive-index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { NotStreamableError } from './hold-back.ts';
import { loadImage, loadStreamedImage } from './image-archive.ts';
import { cachePaths, localReferences, plainReference } from './image-names.ts';
import { loadDeduplicated } from './load-deduplicated.ts';
import { findLocalImage, findLocalImages, type LocalImage } from './local-image.ts';
import { inOwnFolder } from './own-folder.ts';
import { type Place, type Search, searchPlaces } from './places.ts';
import type { Engine, ImageName } from './types.ts';

/** What the archives of older releases are packed with; zstd unpacks gzip as well. */
const OLD_EXTENSION = 'tar.gz';

/**
 * The published ID of an image, verified like every artifact.
 *
 * @param places where to look
 * @returns 64 hex digits, or nothing when the image is not published
 */
export const readPublishedId = (
  { workFolder, log }: ContainerCacheSettings,
  places: readonly Place[],
  path: string,
): Promise<Search<string>> =>
  inOwnFolder(workFolder, (own) =>
    searchPlaces(places, path, log, async (cache) => {
      const fetched = await cache.fetch(path, own);
      const content = (await readFile(fetched.file, 'utf8')).trim();
      if (!/^[0-9a-f]{64}$/.test(content)) throw slipwayError('CONTAINER_IMAGE_ID_INVALID', { path, content });
      return content;
    }),
  );

const fetchArchive = async (
  { format, log }: ContainerCacheSettings,
  places: readonly Place[],
  image: ImageName,
  toFolder: string,
): Promise<Search<ArtifactRecord & { file: string }>> => {
  const { archive } = cachePaths(image, format.extension);
  const search = await searchPlaces(places, archive, log, (cache) => cache.fetch(archive, toFolder));
  if (search.found || format.extension === OLD_EXTENSION) return search;
  const old = cachePaths(image, OLD_EXTENSION).archive;
  const answering = places.filter((place) => !search.silent.has(place));
  const oldSearch = await searchPlaces(answering, old, log, (cache) => cache.fetch(old, toFolder));
  return oldSearch.found ? oldSearch : search;
};

type Loaded = Search<{ record: ArtifactRecord; index: ArchiveIndex }>;

/**
 * What did not verify as a stream is looked at once more as a file: a publisher may just be replacing it, and the file's error says most. What
 * the decompression could not read is most likely not what was published either.
 */
const isWorthAFile = (error: unknown): boolean =>
  error instanceof NotStreamableError ||
  isSlipwayError(error, 'COMMAND_FAILED') ||
  (error instanceof SlipwayError && error.kind === 'unverified');

/** Loads an archive while it is downloaded and verified; undefined: it has to be fetched first. */
const loadStream = async (
  settings: ContainerCacheSettings,
  cache: ArtifactCache,
  path: string,
  folder: string,
): Promise<{ record: ArtifactRecord; index: ArchiveIndex } | undefined> => {
  try {
    const loaded = await cache.stream?.(path, folder, (artifact) =>
      loadStreamedImage(settings, basename(path), artifact, settings.format.decompress),
    );
    return loaded && { record: loaded.record, index: loaded.value };
  } catch (error) {
    if (!isWorthAFile(error)) throw error;
    settings.log.warn(`${(error as Error).message} Fetching ${path} before it is loaded.`);
    return undefined;
  }
};

const loadArchive = (settings: ContainerCacheSettings, places: readonly Place[], image: ImageName): Promise<Loaded> =>
  inOwnFolder(settings.workFolder, async (own) => {
    const { archive } = cachePaths(image, settings.format.extension);
    const streamed = await searchPlaces(places, archive, settings.log, async (cache) => {
      const loaded = await loadStream(settings, cache, archive, own);
      if (!loaded) throw slipwayError('CACHE_ARTIFACT_MISSING', { path: archive, location: cache.store.location });
      return loaded;
    });
    if (streamed.found) return streamed;
    const answering = places.filter((place) => !streamed.silent.has(place));
    const { found, ...search } = await fetchArchive(settings, answering, image, own);
    const failure = search.failure ?? streamed.failure;
    const silent = new Set([...streamed.silent, ...search.silent]);
    const looked = new Map([...[...streamed.looked].filter(([place]) => streamed.silent.has(place)), ...search.looked]);
    if (found === undefined) return { looked, silent, failure };
    const { file, path, sizeBytes, sha256 } = found;
    const index = await loadImage(settings, file, settings.format.decompress);
    return { ...search, found: { record: { path, sizeBytes, sha256 }, index } };
  });

/** From whichever layout the cache has, first the one that it should have. */
const fetchAndLoad = async (
  settings: ContainerCacheSettings,
  places: readonly Place[],
  image: ImageName,
): Promise<Loaded> => {
  const ways = [loadDeduplicated, loadArchive];
  const looked = new Map<Place, string>();
  const silent = new Set<Place>();
  let failure: Loaded['failure'];
  for (const load of settings.layout === 'flat' ? ways.reverse() : ways) {
    const answering = places.filter((place) => !silent.has(place));
    const search = await load(settings, answering, image);
    if (search.found) return search;
    for (const [place, answer] of search.looked) {
      looked.set(place, [looked.get(place), answer].filter((one) => one !== undefined).join(', '));
    }
    for (const place of search.silent) silent.add(place);
    failure ??= search.failure;
  }
  return { looked, silent, failure };
};

/** The image under a name, when it is the published one; where no ID is published, any image of the name is it. */
const findById = async (
  engine: Engine,
  reference: string,
  publishedId: string | undefined,
): Promise<LocalImage | undefined> => {
  const id = await engine.imageId(reference);
  return id === undefined || (publishedId !== undefined && id !== publishedId) ? undefined : { reference, id };
};

/** An archive that podman wrote says `localhost/NAME:VERSION`, and docker takes that for another name; afterwards it has the right one. */
const takeOffLocalhost = async (
  engine: Engine,
  reference: string,
  publishedId: string | undefined,
): Promise<LocalImage | undefined> => {
  if (engine.name === 'podman') return undefined;
  const local = await findById(engine, `localhost/${reference}`, publishedId);
  if (!local) return undefined;
  await engine.tag(local.reference, reference);
  await engine.removeImage(local.reference);
  return { reference, id: local.id };
};

const findByIdAmongNames = async (
  engine: Engine,
  image: ImageName,
  publishedId: string | undefined,
): Promise<LocalImage | undefined> => {
  const [plain = '', ...others] = localReferences(image);
  const found = (await findById(engine, plain, publishedId)) ?? (await takeOffLocalhost(engine, plain, publishedId));
  if (found) return found;
  for (const reference of others) {
    const other = await findById(engine, reference, publishedId);
    if (other) return other;
  }
  return undefined;
};

/**
 * Engines do not agree on what the ID of an image is: the digest of its configuration, or that of its manifest where images are kept
 * by containerd. An archive, which has been verified, tells both; so it tells whether the published ID is that of the image in it.
 */
const findByArchive = async (
  engine: Engine,
  image: ImageName,
  publishedId: string | undefined,
  { ids, names }: ArchiveIndex,
): Promise<LocalImage | undefined> => {
  if (publishedId === undefined || !ids.has(publishedId)) return undefined;
  return (await findLocalImages(engine, image)).find(({ reference }) => names.has(reference));
};

/** Takes the wrong image off its names again, so that nothing can use it by mistake. */
const rejectImage = async (
  engine: Engine,
  image: ImageName,
  publishedId: string | undefined,
  record: ArtifactRecord,
): Promise<never> => {
  const loaded = await findLocalImage(engine, image);
  for (const reference of localReferences(image)) await engine.removeImage(reference);
  const found = loaded?.id ?? 'that of an image with another name';
  throw slipwayError('CONTAINER_IMAGE_WRONG_ID', {
    image: plainReference(image),
    expected: publishedId ?? 'that of an image with this name',
    found,
    source: record.path,
  });
};

/** An image that was loaded from the cache. */
export interface LoadedImage extends LocalImage {
  /** Of the archive, or of the manifest of a deduplicated image. */
  readonly record: ArtifactRecord;
}

/**
 * Fetches an image from the cache, verified, and loads it; an archive is removed again.
 *
 * @param places where to look
 * @param publishedId the ID that the loaded image must have; undefined: none is published, as for releases before there were `.id`
 *   files, and digest and signature of the archive have to do
 * @returns its reference and what was fetched, or nothing when no place has it
 * Throws `CONTAINER_IMAGE_WRONG_ID`, after removing the wrong image.
 */
export const loadFromCache = async (
  settings: ContainerCacheSettings,
  places: readonly Place[],
  image: ImageName,
  publishedId: string | undefined,
): Promise<Search<LoadedImage>> => {
  const { engine } = settings;
  const { found, ...search } = await fetchAndLoad(settings, places, image);
  if (found === undefined) return search;
  const { record, index } = found;
  const local =
    (await findByIdAmongNames(engine, image, publishedId)) ?? (await findByArchive(engine, image, publishedId, index));
  if (!local) return rejectImage(engine, image, publishedId, record);
  return { ...search, found: { ...local, record } };
};
