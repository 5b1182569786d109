import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { composeArchive } from '../../container/index.ts';
import type { ExportedImage } from './types.ts';

const READ_BYTES = 1024 * 1024;
const WRITE_BYTES = 128 * 1024;
const LEVEL = 3;

/** The archive that `docker load` takes, with every layer; each is verified by its diff ID on the way. */
export const dockerArchive = ({ manifest, reference, layers, distinct, onBytes }: ExportedImage): Readable =>
  Readable.from(
    composeArchive({
      config: Buffer.from(manifest.config, 'utf8'),
      configDigest: manifest.configDigest,
      names: [reference],
      diffIds: layers.map(({ diffId }) => diffId),
      layers: distinct,
      emptyFiles: [],
      onBytes,
    }),
    { objectMode: false, highWaterMark: READ_BYTES },
  );

/** Writes the archive as one zstd frame, beside the rebuilding of the layers; zlib's streams fail with more threads than one (`nbWorkers`). */
export const writeDockerArchive = async (image: ExportedImage, file: string): Promise<void> => {
  const compress = createZstdCompress({
    chunkSize: WRITE_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  await pipeline(dockerArchive(image), compress, createWriteStream(file, { flush: true }), { signal: image.signal });
};
