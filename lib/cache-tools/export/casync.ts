import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { Chunker } from '../../dedup/index.ts';
import { dockerArchive } from './docker-archive.ts';
import type { ExportedImage } from './types.ts';

const compress = promisify(zstdCompress);

/** Marks and flags of casync's `caformat.h`; the flags are those that `casync make` sets for a file: digests are SHA-512/256. */
const INDEX_TYPE = 0x96824d9c7b129ff9n;
const INDEX_FLAGS = 0xb000000000000000n;
const TABLE_TYPE = 0xe75b9e112f17417dn;
const TABLE_END = 0x4b4f050e5549ecd1n;
const UNKNOWN_SIZE = 0xffffffffffffffffn;
const INDEX_BYTES = 48n;
/** Shortest, average and longest chunk: casync's defaults, and ours. */
const CHUNK_BYTES = [16n * 1024n, 64n * 1024n, 256n * 1024n];

/** The name under which casync looks for chunks beside an index. */
const STORE = 'default.castr';

const numbers = (...values: readonly bigint[]): Buffer => {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * at);
  return bytes;
};

interface Chunk {
  /** SHA-512/256, 64 hex digits. */
  readonly id: string;
  readonly endsAt: number;
}

/** A blob index (`.caibx`). */
const formatIndex = (chunks: readonly Chunk[]): Buffer => {
  const items = chunks.flatMap(({ id, endsAt }) => [numbers(BigInt(endsAt)), Buffer.from(id, 'hex')]);
  const tableBytes = BigInt(16 + 40 * chunks.length + 40);
  return Buffer.concat([
    numbers(INDEX_BYTES, INDEX_TYPE, INDEX_FLAGS, ...CHUNK_BYTES),
    numbers(UNKNOWN_SIZE, TABLE_TYPE),
    ...items,
    numbers(0n, 0n, INDEX_BYTES, tableBytes, TABLE_END),
  ]);
};

/**
 * Writes the docker archive of the image as casync's blob index and chunk store: `NAME-VERSION.caibx` beside `default.castr/`, where casync
 * finds the chunks by itself. The chunks are cut as the deduplicated store cuts.
 */
export const writeCasync = async (image: ExportedImage, folder: string): Promise<void> => {
  const { name, version } = image.manifest;
  const chunks: Chunk[] = [];
  const seen = new Set<string>();
  let endsAt = 0;
  let writing: Promise<void>[] = [];

  const keep = async (id: string, data: Buffer): Promise<void> => {
    const place = join(folder, STORE, id.slice(0, 4));
    await mkdir(place, { recursive: true });
    // Some frames that do not say how long their content is are damaged to casync 2: those that end with an empty block.
    await writeFile(join(place, `${id}.cacnk`), await compress(data, { pledgedSrcSize: data.length }));
  };
  const chunker = new Chunker((_, data) => {
    const id = hash('sha512-256', data, 'hex');
    endsAt += data.length;
    chunks.push({ id, endsAt });
    if (seen.has(id)) return;
    seen.add(id);
    writing.push(keep(id, Buffer.from(data)));
  });
  /** No more chunks wait than one piece of the archive has. */
  const settle = async (): Promise<void> => {
    const ended = await Promise.allSettled(writing);
    writing = [];
    const failed = ended.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  };

  await mkdir(join(folder, STORE), { recursive: true });
  chunker.begin(Number.POSITIVE_INFINITY);
  try {
    for await (const piece of dockerArchive(image) as AsyncIterable<Buffer>) {
      image.signal?.throwIfAborted();
      chunker.add(piece, 0, piece.length);
      await settle();
    }
    chunker.finish(Buffer.alloc(0), 0, 0);
  } finally {
    await settle();
  }
  await writeFile(join(folder, `${name}-${version}.caibx`), formatIndex(chunks), { flush: true });
};
