import { hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checkedLayer, tarHeader, tarPadding } from '../../container/index.ts';
import type { ExportedImage } from './types.ts';

/** A file of the layout. */
interface LayoutFile {
  readonly name: string;
  readonly sizeBytes: number;
  open(): AsyncIterable<Buffer>;
}

const BLOBS = 'blobs/sha256';
const OCI = 'application/vnd.oci.image';
const WRITE_BYTES = 1024 * 1024;

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

const smallFile = (name: string, content: unknown): LayoutFile => {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content), 'utf8');
  return { name, sizeBytes: bytes.length, open: () => once(bytes) };
};

/**
 * The files of an OCI image layout with one image
 * (https://github.com/opencontainers/image-spec/blob/main/image-layout.md). Layers are stored as they are, so that their names, the diff
 * IDs, are known before they are read, and an image has the same manifest digest each time; whoever pushes it to a registry compresses.
 * As `docker save` does since version 25, it has docker's own list as well, so that `docker load` of any version takes it as a tar.
 */
const layoutFiles = ({ manifest, reference, layers, distinct, onBytes }: ExportedImage): LayoutFile[] => {
  const { config, configDigest, version } = manifest;
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, digest: `sha256:${configDigest}`, size: Buffer.byteLength(config) },
    layers: layers.map(({ diffId, sizeBytes }) => ({
      mediaType: `${OCI}.layer.v1.tar`,
      digest: `sha256:${diffId}`,
      size: sizeBytes,
    })),
  });
  const digest = hash('sha256', text);
  const descriptor = {
    mediaType: `${OCI}.manifest.v1+json`,
    digest: `sha256:${digest}`,
    size: Buffer.byteLength(text),
    annotations: {
      'io.containerd.image.name': `docker.io/library/${reference}`,
      'org.opencontainers.image.ref.name': version,
    },
  };
  const index = { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests: [descriptor] };
  const dockerList = [
    {
      Config: `${BLOBS}/${configDigest}`,
      RepoTags: [reference],
      Layers: layers.map(({ diffId }) => `${BLOBS}/${diffId}`),
    },
  ];
  return [
    smallFile('oci-layout', { imageLayoutVersion: '1.0.0' }),
    smallFile('index.json', index),
    smallFile('manifest.json', dockerList),
    smallFile(`${BLOBS}/${digest}`, text),
    smallFile(`${BLOBS}/${configDigest}`, config),
    ...distinct.map((layer) => ({
      name: `${BLOBS}/${layer.diffId}`,
      sizeBytes: layer.sizeBytes,
      open: async function* () {
        for await (const piece of checkedLayer(layer, reference)) {
          onBytes(piece.length);
          yield piece;
        }
      },
    })),
  ];
};

async function* tarOf(files: readonly LayoutFile[]): AsyncGenerator<Buffer> {
  for (const { name, sizeBytes, open } of files) {
    yield tarHeader(name, sizeBytes);
    yield* open();
    const padding = tarPadding(sizeBytes);
    if (padding.length > 0) yield padding;
  }
  yield Buffer.alloc(1024);
}

const write = (bytes: AsyncIterable<Buffer>, file: string, signal: AbortSignal | undefined): Promise<void> =>
  pipeline(
    Readable.from(bytes, { objectMode: false, highWaterMark: WRITE_BYTES }),
    createWriteStream(file, { flush: true }),
    { signal },
  );

/** Writes the layout as one tar. */
export const writeOciArchive = (image: ExportedImage, file: string): Promise<void> =>
  write(tarOf(layoutFiles(image)), file, image.signal);

/** Writes the layout as a folder. */
export const writeOciFolder = async (image: ExportedImage, folder: string): Promise<void> => {
  await mkdir(join(folder, BLOBS), { recursive: true });
  for (const { name, open } of layoutFiles(image)) await write(open(), join(folder, name), image.signal);
};
