import {
  nameField,
  numberField,
  paddedBytes,
  parsePax,
  sizeField,
  TAR_BLOCK_BYTES,
  textField,
} from '../../tar/index.ts';
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

/** Names and attributes of an entry; what claims to be longer is none of them. */
const MOST_EXTRA_BYTES = 1024 * 1024;

const isChecksumRight = (header: Buffer): boolean => {
  let sum = 8 * 0x20;
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return numberField(header, 148, 8) === sum;
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
  if (!(size <= MOST_EXTRA_BYTES)) throw new TarFault(`${size} bytes of attributes at byte ${source.position}`);
  const body = await source.take(size);
  await source.skip(paddedBytes(size) - size);
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
  const name = extras.name ?? nameField(header);
  const flag = textField(header, 156, 1);
  const type = typeOf(flag);
  return {
    name: name.replace(/^(\.\/)+/, ''),
    type,
    target: type === 'link' ? (extras.target ?? textField(header, 157, 100)) : '',
    isSymbolic: flag === '2',
    sizeBytes: type === 'link' ? 0 : (extras.sizeBytes ?? sizeField(header)),
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
    const header = await source.take(TAR_BLOCK_BYTES);
    if (header.length < TAR_BLOCK_BYTES) throw new TarFault(`it ends at byte ${source.position} without end marker`);
    if (header.every((byte) => byte === 0)) break;
    if (!isChecksumRight(header)) throw new TarFault(`no tar header at byte ${source.position - TAR_BLOCK_BYTES}`);
    const flag = textField(header, 156, 1);
    const headerBytes = sizeField(header);
    if ('xgLK'.includes(flag) && flag !== '') {
      await readExtras(source, flag, headerBytes, extras);
      continue;
    }
    const entry = entryOf(header, extras);
    extras = {};
    if (!Number.isSafeInteger(entry.sizeBytes)) throw new TarFault(`no size of ${JSON.stringify(entry.name)}`);
    const end = source.position + paddedBytes(entry.sizeBytes);
    const start = source.position;
    yield { ...entry, bytes: () => source.pieces(entry.sizeBytes - (source.position - start)) };
    await source.skip(end - source.position);
    if (source.position < end) throw new TarFault(`it ends in the middle of ${JSON.stringify(entry.name)}`);
  }
  // The writer must not find its pipe closed.
  await source.skip(Number.MAX_SAFE_INTEGER);
}
