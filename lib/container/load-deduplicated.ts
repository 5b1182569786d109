import { readFile } from 'node:fs/promises';
import type { ArtifactRecord } from '../cache/types.ts';
import { createBlockDecoder, noFetchedBytes, parseManifest, rebuildLayer } from '../dedup/index.ts';
import { formatBytes } from '../log/index.ts';
import type { ArchiveIndex } from './archive-index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { cachePaths, plainReference } from './image-names.ts';
import { loadLayers } from './layers/index.ts';
import { inOwnFolder } from './own-folder.ts';
import { type Place, type Search, searchPlaces } from './places.ts';
import type { ImageName } from './types.ts';

/** Of smaller images the blocks are decompressed in less time than a thread for it takes to start. */
const THREADS_FROM_BYTES = 64 * 1024 * 1024;

/**
 * Rebuilds an image from the deduplicated store and loads it, without layers that the engine has; blocks are verified as they come, layers
 * by their diff IDs.
 *
 * @param places where to look
 * @returns the record of the image's manifest, or nothing when no place has one
 */
export const loadDeduplicated = (
  settings: ContainerCacheSettings,
  places: readonly Place[],
  image: ImageName,
): Promise<Search<{ record: ArtifactRecord; index: ArchiveIndex }>> =>
  inOwnFolder(settings.workFolder, async (own) => {
    const { chunkStore, log, signal, format } = settings;
    const path = cachePaths(image, format.extension).manifest;
    const reference = plainReference(image);
    return searchPlaces(places, path, log, async (cache) => {
      const startedMs = performance.now();
      const { file, ...record } = await cache.fetch(path, own);
      const manifest = parseManifest(await readFile(file, 'utf8'), path, image);
      const layerBytes = manifest.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const decoder = layerBytes < THREADS_FROM_BYTES ? undefined : createBlockDecoder();
      const parts = { store: cache.store, chunkStore, decoder, log, signal };
      const bytes = noFetchedBytes();
      const loaded = await loadLayers(settings, {
        config: Buffer.from(manifest.config, 'utf8'),
        names: [reference],
        layers: manifest.layers.map((layer) => {
          const { promise: fetched, resolve } = Promise.withResolvers<void>();
          return { ...layer, fetched, open: () => rebuildLayer(parts, layer, bytes, resolve) };
        }),
      }).finally(() => decoder?.close());
      const durationMs = performance.now() - startedMs;
      const fetched = bytes.blockBytes + bytes.gapBytes + bytes.indexBytes + bytes.againBytes;
      const reusedBytes = loaded.leftOutBytes + bytes.localBytes;
      log.info(
        `${reference}: ${formatBytes(loaded.sentBytes)} of layers rebuilt, ${formatBytes(loaded.leftOutBytes)} left out because the engine has them; ${formatBytes(fetched)} fetched in ${bytes.requests} requests.`,
      );
      settings.onTraffic?.({ image: reference, way: 'fetched', bytes });
      const [movedBytes, causes] = [fetched, { ...bytes, leftOutBytes: loaded.leftOutBytes }];
      log.emit({ kind: 'transfer', direction: 'down', what: reference, movedBytes, reusedBytes, durationMs, causes });
      await chunkStore?.trim();
      const ids = new Set([manifest.configDigest, manifest.imageId]);
      return { record, index: { ids, names: new Set([reference]) } };
    });
  });
