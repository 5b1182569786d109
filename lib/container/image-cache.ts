import { slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { cachePaths, plainReference, registryReference, validateImageName } from './image-names.ts';
import { loadFromCache, readPublishedId } from './load-image.ts';
import { findLocalImage, type LocalImage } from './local-image.ts';
import { publishImage } from './publish-image.ts';
import type { ContainerCache, ImageName } from './types.ts';

type Ensured = Awaited<ReturnType<ContainerCache['ensure']>>;

/** Enough of an ID for a person to compare. */
const shortId = (id: string): string => id.slice(0, 12);

const sayWhyLocalWillNotDo = (
  { log }: ContainerCacheSettings,
  local: LocalImage,
  publishedId: string | undefined,
): void => {
  const published = publishedId ? `the published one is ${shortId(publishedId)}` : 'none is published in the cache';
  log.info(`Container image ${local.reference} is here as ${shortId(local.id)}, but ${published}.`);
};

/** From the registry, if the image has one there; not when it turns out to be another image than the published one. */
const tryRegistry = async (
  { engine, log }: ContainerCacheSettings,
  image: ImageName,
  publishedId: string | undefined,
): Promise<Ensured | undefined> => {
  const reference = registryReference(image);
  if (!reference || !(await engine.pull(reference))) return undefined;
  const id = (await engine.imageId(reference)) ?? 'unknown';
  if (publishedId === undefined || id === publishedId) return { reference, how: 'pulled', fetched: [] };
  log.warn(
    `${reference} in the registry is ${shortId(id)}, not the published ${shortId(publishedId)}; taking the cache's.`,
  );
  return undefined;
};

const missingImageError = (
  { cache, format }: ContainerCacheSettings,
  image: ImageName,
  local: LocalImage | undefined,
  publishedId: string | undefined,
) => {
  const paths = cachePaths(image, format.extension);
  const remote = registryReference(image);
  const looked = [
    local
      ? `this machine: ${local.reference} has the ID ${local.id}, but nothing says that this is the published one`
      : 'this machine: no such image',
    ...(remote ? [`registry: ${remote} cannot be pulled`] : []),
    `artifact cache ${cache.store.location}: no ${publishedId ? paths.archive : paths.id}`,
  ];
  return slipwayError('CONTAINER_IMAGE_MISSING', { image: plainReference(image), looked });
};

const ensureImage = async (settings: ContainerCacheSettings, image: ImageName): Promise<Ensured> => {
  validateImageName(image);
  const local = await findLocalImage(settings.engine, image);
  const publishedId = await readPublishedId(settings, cachePaths(image, settings.format.extension).id);
  if (local && local.id === publishedId) {
    settings.log.info(`Container image ${local.reference} is here and is the published one.`);
    return { reference: local.reference, how: 'local', fetched: [] };
  }
  if (local) sayWhyLocalWillNotDo(settings, local, publishedId);
  const pulled = await tryRegistry(settings, image, publishedId);
  if (pulled) return pulled;
  const loaded = publishedId ? await loadFromCache(settings, image, publishedId) : undefined;
  if (loaded) return { reference: loaded.reference, how: 'fetched', fetched: [loaded.record] };
  throw missingImageError(settings, image, local, publishedId);
};

/**
 * Container images in the artifact cache, under the original's rules (flatcar/scripts `ci_automation_common.sh`): an image here
 * counts as current when its ID is the published one; a registry comes before the cache; what was loaded must have the published ID.
 *
 * Besides the errors of {@link ContainerCache}: `CONTAINER_NAME_INVALID`, `CONTAINER_IMAGE_ID_INVALID`, `CONTAINER_NO_SPACE`,
 * `ENGINE_NOT_RUNNING`, and those of the artifact cache.
 */
export const createContainerCache = (settings: ContainerCacheSettings): ContainerCache => ({
  ensure: (image) => ensureImage(settings, image),
  publish: (image) => publishImage(settings, image),
});
