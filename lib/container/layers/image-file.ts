import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { SlipwayError, slipwayError } from '../../errors/index.ts';
import { type ArchivePlaces, followLinks } from './archive-places.ts';
import { type ImageList, type ReadText, readDockerList, readOciList } from './image-list.ts';
import { collect, MOST_TEXT_BYTES } from './read-archive.ts';
import { readTarEntries, TarFault } from './tar-entries.ts';
import type { ImageSource, OnLayer } from './types.ts';
import { uncompressed } from './uncompressed.ts';

/** An image in a file, or in a folder, to be read layer by layer without an engine. */
export interface ImageFile extends ImageSource {
  /** What it is called there, `NAME:TAG` with or without registry. */
  readonly names: readonly string[];
}

/** Small layers are among the small files; more than this nobody needs to keep. */
const MOST_KEPT_BYTES = 256 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** Says of which file something is wrong. What others throw, such as the store that takes a layer, passes. */
const faultOf = (file: string, error: unknown): unknown => {
  if (error instanceof SlipwayError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return slipwayError('IMAGE_FILE_INVALID', { file, problem: 'there is no such file' }, error);
  if (!(error instanceof TarFault) && !/^(Z_|ERR_ZLIB|ZSTD_)/.test(code)) return error;
  return slipwayError('IMAGE_FILE_INVALID', { file, problem: message }, error);
};

async function* readBytes(file: string): AsyncGenerator<Buffer, void, undefined> {
  yield* createReadStream(file, { highWaterMark: READ_BYTES });
}

/** A layer on its way; what is wrong with the file is told from what its taker throws. */
async function* layerBytes(
  file: string,
  content: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* await uncompressed(content);
  } catch (error) {
    throw faultOf(file, error);
  }
}

/** The small files of an archive, and its links. */
const readPlaces = async (file: string): Promise<ArchivePlaces> => {
  const places: ArchivePlaces = { texts: new Map(), links: new Map() };
  let kept = 0;
  for await (const { name, type, sizeBytes, bytes, isSymbolic, target } of readTarEntries(
    await uncompressed(readBytes(file)),
  )) {
    if (type === 'link') places.links.set(name, posix.join(isSymbolic ? posix.dirname(name) : '', target));
    if (type !== 'file' || sizeBytes > MOST_TEXT_BYTES) continue;
    kept += sizeBytes;
    if (kept > MOST_KEPT_BYTES) throw new TarFault('it has too many small files');
    places.texts.set(name, await collect(bytes()));
  }
  return places;
};

type StreamLayers = (wanted: ReadonlySet<string>, onLayer: OnLayer) => Promise<ReadonlySet<string>>;

/** Hands out layers as they come in the archive. */
const streamArchive =
  (file: string, layerOf: ReadonlyMap<string, string>): StreamLayers =>
  async (wanted, onLayer) => {
    const delivered = new Set<string>();
    for await (const { name, type, bytes } of readTarEntries(await uncompressed(readBytes(file)))) {
      const diffId = type === 'file' ? layerOf.get(posix.normalize(name)) : undefined;
      if (diffId === undefined || !wanted.has(diffId) || delivered.has(diffId)) continue;
      delivered.add(diffId);
      const content = bytes();
      await onLayer(diffId, layerBytes(file, content));
      // Waits for what a decompressor that was left in the middle still reads.
      await content.return();
    }
    return delivered;
  };

/** Hands out layers from their files. */
const streamFolder =
  (folder: string, layerOf: ReadonlyMap<string, string>): StreamLayers =>
  async (wanted, onLayer) => {
    const delivered = new Set<string>();
    for (const [name, diffId] of layerOf) {
      if (!wanted.has(diffId) || delivered.has(diffId)) continue;
      delivered.add(diffId);
      const file = join(folder, name);
      await onLayer(diffId, layerBytes(file, readBytes(file)));
    }
    return delivered;
  };

const openFolder = async (folder: string): Promise<{ list?: ImageList; stream: typeof streamFolder }> => {
  const read: ReadText = async (name) => {
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    return found?.isFile() && found.size <= MOST_TEXT_BYTES ? readFile(file) : undefined;
  };
  // Only names that are digests lead to files: a list with names of its own could lead out of the folder.
  return { list: await readOciList(read), stream: streamFolder };
};

const openArchive = async (file: string): Promise<{ list?: ImageList; stream: typeof streamArchive }> => {
  const places = await readPlaces(file);
  const read: ReadText = async (name) => places.texts.get(followLinks(name, places));
  const list = (await readDockerList(read)) ?? (await readOciList(read));
  const layerFiles = list?.layerFiles.map((name) => followLinks(name, places)) ?? [];
  return { list: list && { ...list, layerFiles }, stream: streamArchive };
};

/**
 * Opens an image that lies on the disk: an archive as `docker save` and `podman save` write it, or an OCI image layout as folder or tar;
 * archives and layers may be compressed with gzip or zstd. An archive is read twice: for its lists, then for the layers.
 *
 * @param path absolute
 * Throws `IMAGE_FILE_INVALID`, also while layers are read. That layers are what their diff IDs say is for the taker to check.
 */
export const openImageFile = async (path: string): Promise<ImageFile> => {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const { list, stream } = await (isFolder ? openFolder(path) : openArchive(path));
    if (!list) throw new TarFault(isFolder ? 'it has no index.json' : 'it has neither manifest.json nor index.json');
    const { diffIds, config, layerFiles, names } = list;
    const streamLayers = stream(path, new Map(layerFiles.map((file, at) => [file, diffIds[at] ?? ''])));
    return {
      imageId: config.digest,
      diffIds,
      names,
      how: 'archive',
      readConfig: async () => config,
      async streamLayers(wanted, onLayer) {
        try {
          const delivered = await streamLayers(wanted, onLayer);
          const lost = [...wanted].filter((diffId) => !delivered.has(diffId));
          if (lost.length > 0) throw new TarFault(`it lacks the layers ${lost.join(', ')}`);
        } catch (error) {
          throw faultOf(path, error);
        }
      },
    };
  } catch (error) {
    throw faultOf(path, error);
  }
};
