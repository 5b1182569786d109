import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import type { ImageFacts } from '../types.ts';
import { findLayerFolder, readConfigInFolder } from './engine-folder.ts';
import { readFolderLayer } from './folder-layer.ts';
import { type ArchiveContents, readArchive } from './read-archive.ts';
import type { ImageConfig, ImageSource, LayerTools, OnLayer } from './types.ts';

type ReadLayers = (wanted: ReadonlySet<string>, onLayer: OnLayer) => Promise<ImageConfig>;

/**
 * The way that works with every engine. A layer that could not be told while the archive passed is taken from a second one, when
 * the first one's list has come: that is so with compressed layers only.
 */
const createArchiveReader =
  (tools: LayerTools, { imageId, diffIds }: ImageFacts): ReadLayers =>
  async (wanted, onLayer) => {
    const left = new Set(wanted);
    const read = async (known?: ReadonlyMap<string, string>): Promise<ArchiveContents> => {
      const contents = await readArchive(tools, { imageId, diffIds, wanted: left, onLayer, known });
      for (const diffId of contents.delivered) left.delete(diffId);
      return contents;
    };
    const { config, layerFiles } = await read();
    if (left.size > 0) await read(layerFiles);
    if (left.size > 0) {
      const reason = `it lacks the layers ${[...left].join(', ')}`;
      throw slipwayError('IMAGE_ARCHIVE_INVALID', { reference: imageId, reason });
    }
    return config;
  };

/** With the first piece read already: what fails at once, fails before anybody has seen a part of the layer. */
const startReading = async (bytes: AsyncGenerator<Buffer, void, undefined>): Promise<AsyncIterable<Buffer>> => {
  const first = await bytes.next();
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* bytes;
    } finally {
      await bytes.return();
    }
  })();
};

/**
 * The fast way.
 *
 * @returns the diff IDs that it could not even begin to read
 */
const readFolder = async (
  root: string,
  image: ImageFacts,
  wanted: ReadonlySet<string>,
  onLayer: OnLayer,
): Promise<ReadonlySet<string>> => {
  const left = new Set<string>();
  for (const diffId of wanted) {
    const folder = await findLayerFolder(root, image, diffId);
    const content = folder && readFolderLayer(folder);
    const bytes =
      content &&
      (await startReading(content).catch((error: unknown) => {
        if (isSlipwayError(error, 'LAYER_FAST_READ_FAILED')) return undefined;
        throw error;
      }));
    if (!bytes) {
      left.add(diffId);
      continue;
    }
    try {
      await onLayer(diffId, bytes);
    } finally {
      await content?.return();
    }
  }
  return left;
};

/**
 * Opens an image of the container engine, to read its layers and its configuration.
 *
 * With docker's `overlay2` driver and the engine's folder readable for this process, layers are put together from that folder, without
 * the engine and its temporary copies; nothing is ever written there. Every other engine saves the image, which is read in one pass.
 *
 * @param reference the image as the engine has it, `NAME:TAG`
 * Throws `CONTAINER_IMAGE_ABSENT`, and what the engine throws.
 */
export const openImageSource = async (tools: LayerTools, reference: string): Promise<ImageSource> => {
  const { engine } = tools;
  const image = await engine.inspectImage(reference);
  if (!image) throw slipwayError('CONTAINER_IMAGE_ABSENT', { reference });
  const { overlayRoot } = engine.storage;
  let config = overlayRoot === undefined ? undefined : await readConfigInFolder(overlayRoot, image.imageId);
  const root = config && overlayRoot;
  const readLayers = createArchiveReader(tools, image);
  return {
    ...image,
    how: root === undefined ? 'archive' : 'folder',
    async streamLayers(wanted, onLayer, { fast = true } = {}) {
      const own = new Set([...wanted].filter((diffId) => image.diffIds.includes(diffId)));
      if (own.size < wanted.size) throw new RangeError('Layers are wanted that are not of this image.');
      const left = fast && root !== undefined ? await readFolder(root, image, own, onLayer) : own;
      if (left.size > 0) config = await readLayers(left, onLayer);
    },
    async readConfig() {
      config ??= await readLayers(new Set(), async () => undefined);
      return config;
    },
  };
};
