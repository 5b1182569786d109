import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** The longest mark that is looked for. */
const MARK_BYTES = 4;

const decompressorFor = (start: Buffer): Transform | undefined => {
  const mark = start.toString('hex', 0, MARK_BYTES);
  if (mark.startsWith('1f8b')) return createGunzip();
  return mark === '28b52ffd' ? createZstdDecompress() : undefined;
};

/**
 * The bytes, decompressed when they are gzip or one zstd frame; told by their first bytes. Layers of an OCI layout may be compressed; the
 * diff ID is always that of the tar.
 *
 * Throws what zlib throws when they are damaged or cut off.
 */
export const uncompressed = async (bytes: AsyncGenerator<Buffer, void, undefined>): Promise<AsyncIterable<Buffer>> => {
  const starts: Buffer[] = [];
  for (let known = 0; known < MARK_BYTES; known += starts.at(-1)?.length ?? 0) {
    const { done, value } = await bytes.next();
    if (done) break;
    starts.push(value);
  }
  const start = Buffer.concat(starts);
  const all = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield start;
    yield* bytes;
  };
  const decompressor = decompressorFor(start);
  if (!decompressor) return all();
  // What goes wrong is thrown to whoever reads from the end of the pipe.
  return pipeline(Readable.from(all()), decompressor, () => {});
};
