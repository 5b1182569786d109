import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatManifest, type LayerPointer, openPublishSession, type PublishSession } from '../dedup/index.ts';
import { isSlipwayError, type SlipwayError } from '../errors/index.ts';
import { formatBytes, type Log } from '../log/index.ts';
import type { ContainerCacheSettings } from './container-cache-settings.ts';
import { plainReference } from './image-names.ts';
import type { ImageSource } from './layers/index.ts';
import type { ImageName } from './types.ts';

/** An image whose layers are in the deduplicated store. */
export interface StoredImage {
  /** The manifest, to be published. */
  readonly manifestFile: string;
  /** Layers were sent, not only found. */
  readonly hasSentLayers: boolean;
  /** To be called when the manifest is published. */
  confirm(): Promise<void>;
}

/** What the fast way of reading got wrong is read again the slow way. */
const canReadAgain = (error: unknown): error is SlipwayError =>
  isSlipwayError(error, 'LAYER_FAST_READ_FAILED') || isSlipwayError(error, 'DEDUP_DIGEST_MISMATCH');

const sendLayers = async (source: ImageSource, session: PublishSession, log: Log): Promise<readonly LayerPointer[]> => {
  const left = new Set(session.missing);
  const send = async (diffId: string, bytes: AsyncIterable<Buffer>): Promise<void> => {
    await session.addLayer(diffId, bytes);
    left.delete(diffId);
  };
  try {
    if (left.size > 0) await source.streamLayers(new Set(left), send);
  } catch (error) {
    if (source.how === 'archive' || !canReadAgain(error)) throw error;
    log.warn(`${error.message} Asking the engine for the image instead.`);
    await source.streamLayers(new Set(left), send, { fast: false });
  }
  return session.finish();
};

/** What putting an image into the deduplicated store needs; no engine. */
export type StoringSettings = Pick<ContainerCacheSettings, 'cache' | 'chunkStore' | 'log' | 'signal' | 'onTraffic'>;

/**
 * Puts the layers of an image into the deduplicated store; layers that it has are not even read.
 *
 * @param folder an own folder for what is on its way
 * @returns the manifest, which makes the image visible when it is published
 */
export const storeImage = async (
  settings: StoringSettings,
  image: ImageName,
  source: ImageSource,
  folder: string,
): Promise<StoredImage> => {
  const { cache, chunkStore, log, signal } = settings;
  const { diffIds, imageId } = source;
  const parts = { store: cache.store, chunkStore, log, signal };
  const startedMs = performance.now();
  const session = await openPublishSession(parts, { name: image.name, diffIds, folder });
  const reference = plainReference(image);
  const missing = new Set(session.missing);
  const layers = await sendLayers(source, session, log);
  const durationMs = performance.now() - startedMs;
  const config = await source.readConfig();
  const manifestFile = join(folder, `${image.name}-${image.version}.image.json`);
  const text = formatManifest({
    slipwayImage: 1,
    name: image.name,
    version: image.version,
    imageId,
    config: config.bytes.toString('utf8'),
    configDigest: config.digest,
    layers: layers.map(({ diffId, sizeBytes, recipes }) => ({ diffId, sizeBytes, recipes: [...recipes] })),
  });
  await writeFile(manifestFile, text, { mode: 0o644 });
  return {
    manifestFile,
    hasSentLayers: session.missing.size > 0,
    async confirm() {
      await session.confirm(image.version);
      const { bytes } = session;
      const sent = bytes.packBytes + bytes.indexBytes;
      log.info(
        `${reference}: ${formatBytes(bytes.layerBytes)} of layers read, ${formatBytes(bytes.newBytes)} of them new; ${formatBytes(sent)} sent.`,
      );
      settings.onTraffic?.({ image: reference, way: 'published', bytes });
      const known = layers
        .filter(({ diffId }) => !missing.has(diffId))
        .reduce((sum, layer) => sum + layer.sizeBytes, 0);
      const reusedBytes = known + bytes.duplicateBytes + bytes.resumedBytes;
      const causes = { ...bytes };
      log.emit({
        kind: 'transfer',
        direction: 'up',
        what: reference,
        movedBytes: sent,
        reusedBytes,
        durationMs,
        causes,
      });
      await chunkStore?.trim();
    },
  };
};
