import type { Readable } from 'node:stream';

export const BLOCK = 512;

/** One entry of a tar. */
export interface TarEntry {
  /** Without `./` before it. */
  readonly path: string;
  /** The type flag, for example `0` (regular file) or `5` (folder). */
  readonly type: string;
  /** Header blocks with those of long names before them; the last 512 bytes are the entry's own header. */
  readonly head: Buffer;
  /** Without padding. */
  readonly content: Buffer;
}

export const readOctal = (block: Buffer, at: number, length: number): number =>
  Number.parseInt(block.toString('latin1', at, at + length).replace(/[\0 ].*$/, ''), 8) || 0;

const textAt = (block: Buffer, at: number, length: number): string =>
  block.toString('utf8', at, at + length).replace(/\0.*$/s, '');

export const paddedSize = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** Puts a number into a header and corrects the checksum. @param at where the field begins: 124 for the size, 136 for the time */
export const setNumber = (header: Buffer, at: 124 | 136, value: number): void => {
  header.write(`${value.toString(8).padStart(11, '0')}\0`, at, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
};

/** Hands out exactly so many bytes at a time. */
const createReader = (stream: Readable) => {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let held: Buffer = Buffer.alloc(0);
  return async (size: number): Promise<Buffer | undefined> => {
    const parts = [held];
    let length = held.length;
    while (length < size) {
      const { value, done } = await chunks.next();
      if (done) return undefined;
      parts.push(value);
      length += value.length;
    }
    const all = parts.length === 1 ? held : Buffer.concat(parts);
    held = all.subarray(size);
    return all.subarray(0, size);
  };
};

/** Entries of a GNU tar without sparse files, which is what the workload is packed as; each content in memory as a whole. */
export async function* tarEntries(stream: Readable): AsyncGenerator<TarEntry> {
  const take = createReader(stream);
  let [heads, longName]: [Buffer[], string] = [[], ''];
  for (;;) {
    const header = await take(BLOCK);
    if (header === undefined || header[0] === 0) break;
    const size = readOctal(header, 124, 12);
    const body = (await take(paddedSize(size))) ?? Buffer.alloc(0);
    const type = textAt(header, 156, 1) || '0';
    heads.push(header);
    if (type === 'L' || type === 'K') {
      heads.push(body);
      if (type === 'L') longName = textAt(body, 0, size);
      continue;
    }
    const path = (longName || textAt(header, 0, 100)).replace(/^\.\//, '');
    yield { path, type, head: Buffer.concat(heads), content: body.subarray(0, size) };
    [heads, longName] = [[], ''];
  }
  // Else the decompressor would wait for somebody to take the last padding.
  stream.destroy();
}
