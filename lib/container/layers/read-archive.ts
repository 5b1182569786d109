import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { slipwayError } from '../../errors/index.ts';
import { type ArchivePlaces, followLinks, layerOfFile, readManifest } from './archive-places.ts';
import { readTarEntries, type TarEntry, TarFault } from './tar-entries.ts';
import type { ImageConfig, LayerTools, OnLayer } from './types.ts';
import { uncompressed } from './uncompressed.ts';

/** Manifests, configurations, descriptions; layers are larger, or it does not matter. */
export const MOST_TEXT_BYTES = 1024 * 1024;

/** What is asked of an archive. */
export interface ArchiveRequest {
  readonly imageId: string;
  readonly diffIds: readonly string[];
  readonly wanted: ReadonlySet<string>;
  readonly onLayer: OnLayer;
  /** Diff IDs by file, from an earlier pass. */
  readonly known?: ReadonlyMap<string, string>;
}

/** What an archive had. */
export interface ArchiveContents {
  readonly config: ImageConfig;
  /** Diff IDs by file. */
  readonly layerFiles: ReadonlyMap<string, string>;
  /** Diff IDs of the layers that were handed out. */
  readonly delivered: ReadonlySet<string>;
}

/** All of a stream in one piece; for what is known to be small. */
export const collect = async (bytes: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
};

const readConfig = (name: string, bytes: Buffer, diffIds: readonly string[]): ImageConfig => {
  const digest = hash('sha256', bytes);
  if (!name.includes(digest)) throw new TarFault(`the configuration ${name} has the sha256 ${digest}`);
  const { rootfs } = JSON.parse(bytes.toString('utf8')) as { rootfs?: { diff_ids?: readonly string[] } };
  const listed = (rootfs?.diff_ids ?? []).join(' ');
  if (listed !== diffIds.map((id) => `sha256:${id}`).join(' ')) {
    throw new TarFault(`its configuration lists other layers than the engine: ${listed}`);
  }
  return { bytes, digest };
};

const readEntries = async (stream: AsyncIterable<Buffer>, request: ArchiveRequest): Promise<ArchiveContents> => {
  const places: ArchivePlaces = { texts: new Map(), links: new Map() };
  const delivered = new Set<string>();
  const takeFile = async ({ name, sizeBytes, bytes }: TarEntry): Promise<void> => {
    const diffId = request.known?.get(name) ?? layerOfFile(name, request.diffIds, places);
    if (diffId !== undefined) {
      if (!request.wanted.has(diffId) || delivered.has(diffId)) return;
      delivered.add(diffId);
      const content = bytes();
      await request.onLayer(diffId, await uncompressed(content));
      // Waits for what a decompressor that was left in the middle still reads.
      await content.return();
    } else if (sizeBytes <= MOST_TEXT_BYTES) places.texts.set(name, await collect(bytes()));
  };
  for await (const entry of readTarEntries(stream)) {
    if (entry.type === 'file') await takeFile(entry);
    if (entry.type !== 'link') continue;
    places.links.set(entry.name, posix.join(entry.isSymbolic ? posix.dirname(entry.name) : '', entry.target));
  }
  const manifest = readManifest(places);
  if (!manifest) throw new TarFault('it has no manifest.json of one image');
  const config = places.texts.get(followLinks(manifest.config, places));
  if (!config) throw new TarFault(`it lacks the configuration ${manifest.config}`);
  if (manifest.layers.length !== request.diffIds.length) {
    throw new TarFault(`it has ${manifest.layers.length} layers and the image ${request.diffIds.length}`);
  }
  return {
    config: readConfig(manifest.config, config, request.diffIds),
    layerFiles: new Map(manifest.layers.map((file, at) => [followLinks(file, places), request.diffIds[at] ?? ''])),
    delivered,
  };
};

/**
 * Has the engine save an image, and reads what it saves in one pass: layers that are wanted are handed out as they come, if they can
 * be told by what came before them.
 *
 * Throws `IMAGE_ARCHIVE_INVALID`, what the engine throws, and what `onLayer` throws.
 */
export const readArchive = async ({ engine }: LayerTools, request: ArchiveRequest): Promise<ArchiveContents> => {
  const saving = engine.save(request.imageId);
  // Its end is asked for below; until then a failure must not be one that nobody waits for.
  saving.done.catch(() => undefined);
  try {
    const contents = await readEntries(saving.stdout as AsyncIterable<Buffer>, request);
    await saving.done;
    return contents;
  } catch (error) {
    const isFault = error instanceof TarFault || error instanceof SyntaxError;
    // Half an archive is what a failed engine leaves. Its end comes when its output is read, or nobody can read it any more.
    if (isFault) saving.stdout.resume();
    else {
      saving.stdout.destroy();
      saving.stop();
    }
    const [engineEnd] = await Promise.allSettled([saving.done]);
    if (!isFault) throw error;
    if (engineEnd.status === 'rejected') throw engineEnd.reason;
    throw slipwayError('IMAGE_ARCHIVE_INVALID', { reference: request.imageId, reason: error.message }, error);
  }
};
