import type { ArtifactCache } from '../cache/types.ts';
import { formatBytes, type Log } from '../log/index.ts';
import type { CacheLayout } from './container-cache-settings.ts';
import { cachePaths, plainReference, publishedPaths, registryReference, validateImageName } from './image-names.ts';
import { findLocalImages } from './local-image.ts';
import type { ContainerCache, Engine, ImageName } from './types.ts';

/** What the cache of `--plan` is made from. */
export interface PlanningContainerCacheSettings {
  readonly engine: Engine;
  readonly cache: ArtifactCache;
  /** A second place to read from. */
  readonly mirror?: ArtifactCache;
  readonly log: Log;
  /** Of the archives, for example `tar.zst`. */
  readonly extension: string;
  readonly layout: CacheLayout;
}

/** The cache of container images for `--plan`: looks at the engine and at the cache, says what it would do, and moves nothing. */
export const createPlanningContainerCache = (settings: PlanningContainerCacheSettings): ContainerCache => {
  const { engine, cache, mirror, log, extension, layout } = settings;
  const plan = (effect: string): void => log.emit({ kind: 'planned', effect });

  const planFetch = async (image: ImageName): Promise<void> => {
    const { archive, manifest } = cachePaths(image, extension);
    const own = await cache.store.size(archive);
    const remote = registryReference(image);
    if (remote) plan(`pull ${remote}, or else take it from the cache`);
    if (layout !== 'flat' && (await cache.store.size(manifest)) !== undefined) {
      return plan(`fetch ${manifest}, and of its layers what this machine does not have, verify and load it`);
    }
    const sizeBytes = own ?? (await mirror?.store.size(archive).catch(() => undefined));
    const from = own === undefined && mirror ? ` from ${mirror.store.location}` : '';
    if (sizeBytes !== undefined) plan(`fetch ${archive} (${formatBytes(sizeBytes)})${from}, verify it and load it`);
    // An earlier step of the same plan may be the one that would publish it; so this is not an error yet.
    if (sizeBytes === undefined && !remote) plan(`fetch ${archive}, which is not in the cache now`);
  };

  return {
    async ensure(image) {
      validateImageName(image);
      const locals = await findLocalImages(engine, image);
      const publishedId = (await cache.store.readText(cachePaths(image, extension).id))?.trim();
      const local = locals.find((one) => one.id === publishedId);
      if (local) return { ...local, how: 'local', fetched: [] };
      await planFetch(image);
      return {
        reference: registryReference(image) ?? plainReference(image),
        id: undefined,
        how: 'fetched',
        fetched: [],
      };
    },
    async publish(image) {
      validateImageName(image);
      plan(`save ${plainReference(image)} and publish it as ${publishedPaths(image, extension, layout).join(' and ')}`);
      return [];
    },
  };
};
