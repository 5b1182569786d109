import { type SlipwayError, slipwayError } from '../errors/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { cachePaths, plainReference, registryReference, validateImageName } from './image-names.ts';
import { loadFromCache, readPublishedId } from './load-image.ts';
import { findLocalImages, type LocalImage } from './local-image.ts';
import { type Place, placesOf, type Search } from './places.ts';
import { publishImage } from './publish-image.ts';
import type { ContainerCache, ImageName } from './types.ts';

/** The settings, with the places in the order in which they are asked: the cache, then its mirror. */
type Prepared = ContainerCacheSettings & { readonly places: readonly Place[] };

type Ensured = Awaited<ReturnType<ContainerCache['ensure']>>;

/** Enough of an ID for a person to compare. */
const shortId = (id: string): string => id.slice(0, 12);

/** Says why what the engine has, if it has anything, will not do. */
const sayMiss = (
  { log }: ContainerCacheSettings,
  image: ImageName,
  local: LocalImage | undefined,
  publishedId: string | undefined,
): void => {
  const published = publishedId ? `the published one is ${shortId(publishedId)}` : 'none is published in the cache';
  const reason = local ? `it is here as ${shortId(local.id)}, but ${published}` : 'the engine has none of that name';
  log.emit({ kind: 'cache-miss', what: 'container image', path: local?.reference ?? plainReference(image), reason });
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
  if (publishedId === undefined || id === publishedId) return { reference, id, how: 'pulled', fetched: [] };
  log.warn(
    `${reference} in the registry is ${shortId(id)}, not the published ${shortId(publishedId)}; taking the cache's.`,
  );
  return undefined;
};

/** One line per place, with all that was looked for there. */
const placeLines = (searches: readonly Search<unknown>[]): string[] => {
  const answers = new Map<Place, Set<string>>();
  for (const [place, answer] of searches.flatMap(({ looked }) => [...looked])) {
    answers.set(place, (answers.get(place) ?? new Set()).add(answer));
  }
  return [...answers].map(([{ name }, said]) => `${name}: ${[...said].join(', ')}`);
};

const missingImageError = (
  image: ImageName,
  local: LocalImage | undefined,
  searches: readonly Search<unknown>[],
): SlipwayError => {
  // Nobody can say that the image is missing when the cache does not answer.
  const failure = searches.map((search) => search.failure).find((one) => one !== undefined);
  if (failure) return failure;
  const remote = registryReference(image);
  const looked = [
    local
      ? `this machine: ${local.reference} has the ID ${local.id}, but nothing says that this is the published one`
      : 'this machine: no such image',
    ...(remote ? [`registry: ${remote} cannot be pulled`] : []),
    ...placeLines(searches),
  ];
  return slipwayError('CONTAINER_IMAGE_MISSING', { image: plainReference(image), looked });
};

const fetchImage = async (
  settings: Prepared,
  image: ImageName,
  local: LocalImage | undefined,
  searches: readonly Search<string>[],
): Promise<Ensured> => {
  const publishedId = searches.find(({ found }) => found !== undefined)?.found;
  sayMiss(settings, image, local, publishedId);
  const places = settings.places.filter((place) => !searches.some(({ silent }) => silent.has(place)));
  const loaded = await loadFromCache(settings, places, image, publishedId);
  if (!loaded.found) throw missingImageError(image, local, publishedId ? [loaded] : [...searches, loaded]);
  const { reference, id, record } = loaded.found;
  if (!publishedId) settings.log.warn(`No ID is published for ${reference}; its archive ${record.path} did verify.`);
  return { reference, id, how: 'fetched', fetched: [record] };
};

const ensureImage = async (settings: Prepared, image: ImageName): Promise<Ensured> => {
  validateImageName(image);
  const { engine, format, places } = settings;
  const locals = await findLocalImages(engine, image);
  const path = cachePaths(image, format.extension).id;
  const takeLocal = (id: string | undefined): Ensured | undefined => {
    const local = locals.find((one) => one.id === id);
    if (!local) return undefined;
    const [path, reason] = [local.reference, 'it is here and is the published one'];
    settings.log.emit({ kind: 'cache-hit', what: 'container image', path, reason });
    return { ...local, how: 'local', fetched: [] };
  };
  const own = await readPublishedId(settings, places.slice(0, 1), path);
  const local = takeLocal(own.found);
  if (local) return local;
  const pulled = await tryRegistry(settings, image, own.found);
  if (pulled) {
    sayMiss(settings, image, locals[0], own.found);
    return pulled;
  }
  if (own.found) return fetchImage(settings, image, locals[0], [own]);
  // Only now: what a registry has needs no second place.
  const second = await readPublishedId(settings, places.slice(1), path);
  return takeLocal(second.found) ?? fetchImage(settings, image, locals[0], [own, second]);
};

/**
 * Container images in the artifact cache, under the original's rules (flatcar/scripts `ci_automation_common.sh`): an image here
 * counts as current when its ID is the published one; a registry comes before the cache, the cache before its mirror; what was
 * loaded must have the published ID.
 *
 * Besides the errors of {@link ContainerCache}: `CONTAINER_NAME_INVALID`, `CONTAINER_IMAGE_ID_INVALID`, `CONTAINER_NO_SPACE`,
 * `ENGINE_NOT_RUNNING`, and those of the artifact cache.
 */
export const createContainerCache = (settings: ContainerCacheSettings): ContainerCache => {
  let before: Promise<unknown> = Promise.resolve();
  /** Images that are stored one after the other know of each other's contents. */
  const publishInTurn = (image: ImageName) => {
    const publishing = before.then(() => publishImage(settings, image));
    before = publishing.catch(() => {});
    return publishing;
  };
  return {
    ensure: (image) => ensureImage({ ...settings, places: placesOf(settings) }, image),
    publish: (image) => (settings.layout === 'flat' ? publishImage(settings, image) : publishInTurn(image)),
  };
};
