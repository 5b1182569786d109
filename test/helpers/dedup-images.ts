import { createCipheriv, createHash } from 'node:crypto';
import { padded, tarHeader } from './dedup-layers.ts';

/** One layer of a made-up image. */
export interface TestLayer {
  /** sha256 of the bytes, 64 hex digits. */
  readonly diffId: string;
  readonly open: () => AsyncIterable<Buffer>;
}

/** A made-up image: what is published without an engine. */
export interface TestImage {
  readonly name: string;
  readonly version: string;
  readonly layers: readonly TestLayer[];
}

/** The same bytes for the same seed, which do not compress; some hundred megabytes a second. */
export const fastNoise = (sizeBytes: number, seed: string): Buffer => {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
};

/** The same bytes for the same seed, which compress to about half. */
export const halfNoise = (sizeBytes: number, seed: string): Buffer => {
  const bytes = fastNoise(sizeBytes, seed);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = 97 + ((bytes[at] as number) & 15);
  return bytes;
};

/** A file in a layer. */
export interface TestFile {
  readonly name: string;
  readonly content: Buffer;
}

const END = Buffer.alloc(1024);

/** Bytes of a layer with these files, all changed at the same second. */
export const makeTar = (files: readonly TestFile[], mtimeSeconds = 1_700_000_000): Buffer => {
  const mtime = `${mtimeSeconds.toString(8).padStart(11, '0')}\0`;
  const parts = files.flatMap(({ name, content }) => [
    tarHeader({ name, size: content.length, mtime }),
    padded(content),
  ]);
  return Buffer.concat([...parts, END]);
};

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1_000_003) yield Buffer.from(bytes.subarray(at, at + 1_000_003));
}

/** A layer of these bytes. */
export const layerOf = (bytes: Buffer): TestLayer => ({
  diffId: createHash('sha256').update(bytes).digest('hex'),
  open: () => inPieces(bytes),
});

/** A root filesystem of so many files of 20 to 400 kB: programs, half of which compresses well. */
export const makeFiles = (count: number, seed = 'root'): TestFile[] =>
  Array.from({ length: count }, (_, at) => ({
    name: `usr/lib/${seed}-${at}`,
    content: (at % 2 === 0 ? fastNoise : halfNoise)(20_000 + ((at * 77_777) % 380_000), `${seed} ${at}`),
  }));

/** The same files, and the one of the given number has some bytes more in its middle. */
export const changeFile = (files: readonly TestFile[], number: number): TestFile[] =>
  files.map((file, at) => {
    if (at !== number) return file;
    const middle = Math.floor(file.content.length / 2);
    const content = Buffer.concat([
      file.content.subarray(0, middle),
      Buffer.from('changed'),
      file.content.subarray(middle),
    ]);
    return { ...file, content };
  });

const SLICE_BYTES = 4 * 1024 * 1024;

/** Between two addresses that another build changes. */
const GAP_BYTES = 300;

/** The contents of another build: a few bytes changed all over, so that hardly a chunk is the same and yet nearly all of it is known. */
const rebuilt = (content: Buffer, seed: string): Buffer => {
  const noise = fastNoise(Math.ceil(content.length / GAP_BYTES), seed);
  for (const [at, byte] of noise.entries()) {
    const place = at * GAP_BYTES + (byte & 127);
    if (place < content.length) content[place] = byte;
  }
  return content;
};

/**
 * A layer that is made while it is read: files of 4 MiB, of which every second one compresses.
 *
 * @param count number of files
 * @param build another one has the same files, each built anew
 */
export const streamedLayer = async (count: number, build = 1): Promise<TestLayer> => {
  async function* open(): AsyncGenerator<Buffer> {
    for (let at = 0; at < count; at += 1) {
      const first = (at % 2 === 0 ? fastNoise : halfNoise)(SLICE_BYTES, `streamed ${at}`);
      const content = build === 1 ? first : rebuilt(first, `build ${build} of ${at}`);
      yield tarHeader({ name: `opt/large-${at}`, size: content.length });
      for (let from = 0; from < content.length; from += 65_536) yield content.subarray(from, from + 65_536);
    }
    yield END;
  }
  const hash = createHash('sha256');
  for await (const piece of open()) hash.update(piece);
  return { diffId: hash.digest('hex'), open };
};
