import { type ByteSource, createByteSource } from './byte-source.ts';

/** An entry of a tar. */
export interface TarEntry {
  /** Without `./` at its start. */
  readonly name: string;
  /** `file`, `link` (symbolic or hard), or `other`. */
  readonly type: 'file' | 'link' | 'other';
  /** Where a link leads to, else empty. */
  readonly target: string;
  /** Whether `target` starts at the folder of the entry (symbolic link) or at the root of the tar (hard link). */
  readonly isSymbolic: boolean;
  readonly sizeBytes: number;
  /** The content; what is not read of it is passed over. Only until the next entry is asked for. */
  readonly bytes: () => AsyncGenerator<Buffer, void, undefined>;
}

/** What is wrong with a tar, and where. */
export class TarFault extends Error {}

const BLOCK_BYTES = 512;
/** Names and attributes of an entry; what claims to be longer is none of them. */
const MOST_EXTRA_BYTES = 1024 * 1024;

const padded = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

const textAt = (header: Buffer, start: number, length: number): string => {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
};

/** A number of a header: octal, or binary where that is not enough. */
const numberAt = (header: Buffer, start: number, length: number): number => {
  if ((header[start] ?? 0) & 0x80) return Number(header.readBigUInt64BE(start + length - 8));
  const text = textAt(header, start, length).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : Number.NaN;
};

const isChecksumRight = (header: Buffer): boolean => {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return numberAt(header, 148, 8) === sum;
};

/** Records of a pax header: `LENGTH KEY=VALUE\n`, the length being that of the whole record in bytes. */
const parsePax = (body: Buffer): Map<string, string> => {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString('latin1', at, space));
    const equals = body.indexOf(0x3d, space);
    if (space === -1 || equals === -1 || !(length > 0)) break;
    records.set(body.toString('utf8', space + 1, equals), body.toString('utf8', equals + 1, at + length - 1));
    at += length;
  }
  return records;
};

const typeOf = (flag: string): TarEntry['type'] => {
  if (['', '0', '7'].includes(flag)) return 'file';
  return ['1', '2'].includes(flag) ? 'link' : 'other';
};

/** What the headers before an entry say of it. */
interface Extras {
  name?: string;
  target?: string;
  sizeBytes?: number;
}

const readExtras = async (source: ByteSource, flag: string, size: number, extras: Extras): Promise<void> => {
  if (size > MOST_EXTRA_BYTES) throw new TarFault(`${size} bytes of attributes at byte ${source.position}`);
  const body = await source.take(size);
  await source.skip(padded(size) - size);
  const text = body.toString('utf8').replace(/\0+$/, '');
  if (flag === 'L') extras.name = text;
  if (flag === 'K') extras.target = text;
  if (flag !== 'x') return;
  const records = parsePax(body);
  extras.name = records.get('path') ?? extras.name;
  extras.target = records.get('linkpath') ?? extras.target;
  if (records.has('size')) extras.sizeBytes = Number(records.get('size'));
};

const entryOf = (header: Buffer, extras: Extras): Omit<TarEntry, 'bytes'> => {
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textAt(header, 345, 155) : '';
  const name = extras.name ?? (prefix ? `${prefix}/${textAt(header, 0, 100)}` : textAt(header, 0, 100));
  const flag = textAt(header, 156, 1);
  const type = typeOf(flag);
  return {
    name: name.replace(/^(\.\/)+/, ''),
    type,
    target: type === 'link' ? (extras.target ?? textAt(header, 157, 100)) : '',
    isSymbolic: flag === '2',
    sizeBytes: type === 'link' ? 0 : (extras.sizeBytes ?? numberAt(header, 124, 12)),
  };
};

/**
 * Reads a tar (ustar, with GNU's and pax's long names and sizes) in one pass, entry by entry.
 *
 * Throws {@link TarFault} when it is none or ends early.
 */
export async function* readTarEntries(stream: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const source = createByteSource(stream);
  let extras: Extras = {};
  for (;;) {
    const header = await source.take(BLOCK_BYTES);
    if (header.length < BLOCK_BYTES) throw new TarFault(`it ends at byte ${source.position} without end marker`);
    if (header.every((byte) => byte === 0)) break;
    if (!isChecksumRight(header)) throw new TarFault(`no tar header at byte ${source.position - BLOCK_BYTES}`);
    const flag = textAt(header, 156, 1);
    const headerBytes = numberAt(header, 124, 12);
    if ('xgLK'.includes(flag) && flag !== '') {
      await readExtras(source, flag, headerBytes, extras);
      continue;
    }
    const entry = entryOf(header, extras);
    extras = {};
    if (!Number.isSafeInteger(entry.sizeBytes)) throw new TarFault(`no size of ${JSON.stringify(entry.name)}`);
    const end = source.position + padded(entry.sizeBytes);
    const start = source.position;
    yield { ...entry, bytes: () => source.pieces(entry.sizeBytes - (source.position - start)) };
    await source.skip(end - source.position);
    if (source.position < end) throw new TarFault(`it ends in the middle of ${JSON.stringify(entry.name)}`);
  }
  // The writer must not find its pipe closed.
  await source.skip(Number.MAX_SAFE_INTEGER);
}
