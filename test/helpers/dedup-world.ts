import { createHash, hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createArtifactCache } from '../../lib/cache/index.ts';
import {
  createBlockDecoder,
  type DedupParts,
  type FetchedBytes,
  formatManifest,
  type ImageManifest,
  noFetchedBytes,
  openPublishSession,
  type PublishedBytes,
  parseManifest,
  readLayer,
} from '../../lib/dedup/index.ts';
import { createLog, type Log } from '../../lib/log/index.ts';
import type { TestImage } from './dedup-images.ts';

/** A log that keeps its warnings. */
export const collectWarnings = (): { readonly log: Log; readonly warnings: string[] } => {
  const warnings: string[] = [];
  const log = createLog((event) => {
    if (event.kind === 'warning') warnings.push(event.text);
  });
  return { log, warnings };
};

/** Path of an image's manifest in the cache. */
export const manifestPathOf = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `containers/${version}/${name}-${version}.image.json`;

/** An own folder that is removed after the work, as every publisher and reader of the library has one. */
const inOwnFolder = async <Value>(parent: string, work: (folder: string) => Promise<Value>): Promise<Value> => {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'own-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/**
 * Publishes an image the way `lib/container` does, without an engine: layers, manifest and `.id`, confirmation.
 *
 * @param spool folder for packs on their way; nothing stays in it
 */
export const publishImage = (parts: DedupParts, image: TestImage, spool: string): Promise<PublishedBytes> =>
  inOwnFolder(spool, async (folder) => {
    const { name, version } = image;
    const diffIds = image.layers.map(({ diffId }) => diffId);
    const session = await openPublishSession(parts, { name, diffIds, folder });
    const left = new Set(session.missing);
    for (const { diffId, open } of image.layers) if (left.delete(diffId)) await session.addLayer(diffId, open());
    const layers = await session.finish();
    const config = JSON.stringify({
      rootfs: { type: 'layers', diff_ids: diffIds.map((diffId) => `sha256:${diffId}`) },
    });
    const configDigest = hash('sha256', config, 'hex');
    const manifestFile = join(folder, `${name}-${version}.image.json`);
    const idFile = join(folder, `${name}-${version}.id`);
    writeFileSync(
      manifestFile,
      formatManifest({
        slipwayImage: 1,
        ...{ name, version, config, configDigest, imageId: `sha256:${configDigest}` },
        layers: layers.map(({ diffId, sizeBytes, recipes }) => ({ diffId, sizeBytes, recipes: [...recipes] })),
      }),
    );
    writeFileSync(idFile, `sha256:${configDigest}\n`);
    const cache = createArtifactCache({ store: parts.store, log: parts.log, signal: parts.signal });
    const id = `${name}-${version}.id`;
    await cache.publish({ folder: `containers/${version}`, files: [manifestFile, idFile], last: [id], sameBy: id });
    await session.confirm(version);
    return { ...session.bytes };
  });

/** The verified manifest of an image. */
export const fetchManifest = (
  parts: DedupParts,
  image: { readonly name: string; readonly version: string },
  spool: string,
): Promise<ImageManifest> =>
  inOwnFolder(spool, async (folder) => {
    const cache = createArtifactCache({ ...parts, secondTryMs: 10 });
    const path = manifestPathOf(image);
    const { file } = await cache.fetch(path, folder);
    return parseManifest(readFileSync(file, 'utf8'), path, image);
  });

/**
 * Rebuilds all layers of an image as the steps do, with a decoder, and makes sure that each has the digest that the *test* knows.
 *
 * @param onBytes hears of the bytes as they come
 */
export const fetchImage = async (
  parts: DedupParts,
  image: TestImage,
  spool: string,
  onBytes: (count: number) => void = () => {},
): Promise<FetchedBytes> => {
  const manifest = await fetchManifest(parts, image, spool);
  const bytes = noFetchedBytes();
  const decoder = createBlockDecoder();
  try {
    for (const [at, layer] of manifest.layers.entries()) {
      const digest = createHash('sha256');
      for await (const part of readLayer({ ...parts, decoder }, layer, bytes)) {
        digest.update(part);
        onBytes(part.length);
      }
      if (digest.digest('hex') !== image.layers[at]?.diffId) throw new Error(`Wrong bytes came for ${layer.diffId}`);
    }
  } finally {
    await decoder.close();
  }
  await parts.chunkStore?.trim();
  return bytes;
};
