import { createArtifactCache } from '../cache/index.ts';
import { importImage, openImageFile, plainReference, validateImageName } from '../container/index.ts';
import { layerPath } from '../dedup/index.ts';
import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Signer } from '../signing/index.ts';
import { type ImageReference, parseReference } from './reference.ts';
import type { CacheTools } from './types.ts';

/** What to import. */
export interface ImportRequest {
  /** Absolute path of an archive, or of a folder with an OCI image layout. */
  readonly file: string;
  /** What the image is called in the cache; undefined: as in the file. */
  readonly image: ImageReference | undefined;
  readonly dryRun: boolean;
  /** Undefined: published without signatures. */
  readonly signer: Signer | undefined;
}

/** What was imported. */
export interface ImportReport {
  /** `NAME:VERSION` */
  readonly image: string;
  readonly file: string;
  readonly dryRun: boolean;
  /** Digest of the configuration, 64 hex digits: the ID in docker's own store and in podman. */
  readonly imageId: string;
  readonly layers: number;
  /** Diff IDs of layers that the cache did not have. */
  readonly newLayers: readonly string[];
  /** What was sent for them: packs, recipes, indexes. */
  readonly sentBytes: number;
}

/** The name in the file, without the registry; throws `CACHE_IMPORT_NAME` when it has none, or several. */
const nameIn = (file: string, names: readonly string[]): ImageReference => {
  const [name, ...others] = new Set(names.map((one) => one.slice(one.lastIndexOf('/') + 1)));
  if (name === undefined || others.length > 0) throw slipwayError('CACHE_IMPORT_NAME', { file, names });
  return parseReference(name);
};

/**
 * Publishes an image from the disk into the deduplicated store, without an engine: manifest, signature and `.id` as the steps publish them.
 *
 * Throws `IMAGE_FILE_INVALID`, `CACHE_IMPORT_NAME`, `CONTAINER_NAME_INVALID`, `DEDUP_DIGEST_MISMATCH`, `CACHE_VERSION_DIFFERS`, and what
 * publishing throws.
 */
export const importToCache = async (tools: CacheTools, request: ImportRequest): Promise<ImportReport> => {
  const { store, log, signal, temp } = tools;
  const { file, dryRun, signer } = request;
  const source = await openImageFile(file);
  const image = { ...(request.image ?? nameIn(file, source.names)), registry: '' };
  validateImageName(image);
  const distinct = [...new Set(source.diffIds)];
  const sizes = await inParallel(distinct, 8, (diffId) => store.size(layerPath(diffId)));
  const newLayers = distinct.filter((_, at) => sizes[at] === undefined);
  let sentBytes = 0;
  if (!dryRun) {
    const cache = createArtifactCache({ store, signer, log, signal });
    const progress = log.progress(`import ${plainReference(image)}`);
    const counted: typeof source = {
      ...source,
      streamLayers: (wanted, onLayer) =>
        source.streamLayers(wanted, (diffId, bytes) =>
          onLayer(
            diffId,
            (async function* () {
              for await (const piece of bytes) {
                progress.advance(piece.length);
                yield piece;
              }
            })(),
          ),
        ),
    };
    await importImage(
      {
        cache,
        log,
        signal,
        workFolder: temp,
        onTraffic: (traffic) => {
          if (traffic.way === 'published') sentBytes = traffic.bytes.packBytes + traffic.bytes.indexBytes;
        },
      },
      image,
      counted,
    );
    progress.finish();
  }
  const { imageId, diffIds } = source;
  return { image: plainReference(image), file, dryRun, imageId, layers: diffIds.length, newLayers, sentBytes };
};
