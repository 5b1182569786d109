import { writeFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import {
  nameField,
  numberField,
  paddedBytes,
  parsePax,
  sizeField,
  TAR_BLOCK_BYTES,
  textField,
} from '../../tar/index.ts';
import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Kind, Member, Opened } from '../types.ts';
import { chargeFile, NotReadable, type Workshop } from '../workshop.ts';

const MOST_MEMBERS = 4_000_000;
const MOST_NAME_BYTES = 1024 ** 2;

const timeText = (seconds: number): string =>
  Math.abs(seconds) < 1e11 ? new Date(seconds * 1000).toISOString() : String(seconds);

/** The same name may come twice; the second is a member of its own. */
const put = (members: Map<string, Member>, name: string, member: Member): void => {
  if (members.size >= MOST_MEMBERS) throw new NotReadable('it has more members than can be');
  let key = name;
  for (let count = 2; members.has(key); count += 1) key = `${name} (${count})`;
  members.set(key, member);
};

const cString = (bytes: Buffer): string => bytes.toString('utf8').replace(/\0.*$/s, '');

const TAR_KINDS: Readonly<Record<string, readonly [Kind, string]>> = {
  '0': ['file', 'file'],
  '\0': ['file', 'file'],
  '7': ['file', 'file'],
  '1': ['link', 'hard link'],
  '2': ['link', 'symbolic link'],
  '3': ['special', 'character device'],
  '4': ['special', 'block device'],
  '5': ['folder', 'folder'],
  '6': ['special', 'fifo'],
};

/** A tar archive: ustar, pax and GNU's long names. */
export const openTar = async (blob: Blob): Promise<Opened> => {
  const members = new Map<string, Member>();
  let pax: ReadonlyMap<string, string> = new Map();
  let longName: string | undefined;
  let longTarget: string | undefined;
  for (let at = 0; at + TAR_BLOCK_BYTES <= blob.sizeBytes; ) {
    const header = await readBytes(blob, at, TAR_BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const type = header.toString('latin1', 156, 157);
    const size = pax.has('size') ? Number(pax.get('size')) : sizeField(header);
    if (!Number.isSafeInteger(size) || size < 0 || at + TAR_BLOCK_BYTES + size > blob.sizeBytes)
      throw new NotReadable('it is cut off or damaged');
    const content = sliceOf(blob, at + TAR_BLOCK_BYTES, size);
    at += TAR_BLOCK_BYTES + paddedBytes(size);
    if ('xgLK'.includes(type)) {
      const bytes = await readBytes(content, 0, MOST_NAME_BYTES);
      if (type === 'x') pax = parsePax(bytes);
      if (type === 'L') longName = cString(bytes);
      if (type === 'K') longTarget = cString(bytes);
      continue;
    }
    const name = pax.get('path') ?? longName ?? nameField(header);
    const [kind, text] = TAR_KINDS[type] ?? ['special', `type ${JSON.stringify(type)}`];
    const target = pax.get('linkpath') ?? longTarget ?? textField(header, 157, 100);
    const facts: Record<string, string> = {
      type: text,
      mode: (numberField(header, 100, 8) & 0o7777).toString(8).padStart(4, '0'),
      owner: `${numberField(header, 108, 8)}:${numberField(header, 116, 8)}`,
      changed: pax.get('mtime') ?? timeText(numberField(header, 136, 12)),
      ...(target ? { 'link target': target } : {}),
      ...Object.fromEntries([...pax].filter(([key]) => key.startsWith('SCHILY.xattr.'))),
    };
    put(members, name.replace(/\/$/, '') || '/', kind === 'file' ? { kind, facts, content } : { kind, facts });
    pax = new Map();
    longName = undefined;
    longTarget = undefined;
  }
  return { form: 'tar archive', kind: 'archive', facts: {}, members };
};

const CPIO_KINDS: Readonly<Record<number, readonly [Kind, string]>> = {
  1: ['special', 'fifo'],
  2: ['special', 'character device'],
  4: ['folder', 'folder'],
  6: ['special', 'block device'],
  8: ['file', 'file'],
  10: ['link', 'symbolic link'],
  12: ['special', 'socket'],
};

const align4 = (at: number): number => Math.ceil(at / 4) * 4;

/** A cpio archive in the format "newc", as the kernel takes it; what follows its end is often another archive, packed or not. */
export const openCpio = async (blob: Blob): Promise<Opened> => {
  const members = new Map<string, Member>();
  let at = 0;
  for (;;) {
    const header = (await readBytes(blob, at, 110)).toString('latin1');
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw new NotReadable('it is cut off or damaged');
    const field = (index: number): number => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const [mode, uid, gid, mtime, size, nameSize] = [field(1), field(2), field(3), field(5), field(6), field(11)];
    if (nameSize > MOST_NAME_BYTES) throw new NotReadable('it is damaged');
    const name = cString(await readBytes(blob, at + 110, nameSize));
    const contentAt = align4(at + 110 + nameSize);
    at = align4(contentAt + size);
    if (name === 'TRAILER!!!') break;
    const content = sliceOf(blob, contentAt, size);
    const [kind, type] = CPIO_KINDS[mode >> 12] ?? ['special', `type ${mode >> 12}`];
    const facts: Record<string, string> = {
      type,
      mode: (mode & 0o7777).toString(8).padStart(4, '0'),
      owner: `${uid}:${gid}`,
      changed: timeText(mtime),
    };
    if (kind === 'link') facts['link target'] = (await readBytes(content, 0, 4096)).toString('utf8');
    if (kind === 'special') facts.device = `${field(9)}:${field(10)}`;
    put(members, name, kind === 'file' ? { kind, facts, content } : { kind, facts });
  }
  const rest = await nextArchive(blob, at);
  if (rest) put(members, 'next archive', { kind: 'archive', facts: {}, content: rest });
  return { form: 'cpio archive', kind: 'archive', facts: {}, members };
};

/** What comes after the zeros that fill up the last block. */
const nextArchive = async (blob: Blob, from: number): Promise<Blob | undefined> => {
  for (let at = from; at < blob.sizeBytes; at += 64 * 1024) {
    const bytes = await readBytes(blob, at, 64 * 1024);
    const index = bytes.findIndex((byte) => byte !== 0);
    if (index >= 0) return sliceOf(blob, at + index);
  }
  return undefined;
};

/** An archive of `ar`: Debian packages, static libraries. */
export const openAr = async (blob: Blob): Promise<Opened> => {
  const members = new Map<string, Member>();
  let names: Buffer = Buffer.alloc(0);
  for (let at = 8; at + 60 <= blob.sizeBytes; ) {
    const header = (await readBytes(blob, at, 60)).toString('latin1');
    const size = Number(header.slice(48, 58).trim());
    if (header.slice(58) !== '`\n' || !Number.isSafeInteger(size) || size < 0)
      throw new NotReadable('it is cut off or damaged');
    const content = sliceOf(blob, at + 60, size);
    at += 60 + size + (size % 2);
    const raw = header.slice(0, 16).trimEnd();
    if (raw === '//') {
      names = await readBytes(content, 0, 16 * 1024 ** 2);
      continue;
    }
    const long = /^\/(\d+)$/.exec(raw)?.[1];
    const name =
      long === undefined ? raw.replace(/(.)\/$/, '$1') : names.toString('utf8', Number(long)).replace(/\/?\n.*$/s, '');
    const [changed, uid, gid, mode] = [
      header.slice(16, 28),
      header.slice(28, 34),
      header.slice(34, 40),
      header.slice(40, 48),
    ].map((text) => text.trim());
    put(members, name, {
      kind: 'file',
      facts: { mode: mode ?? '', owner: `${uid}:${gid}`, changed: timeText(Number(changed)) },
      content,
    });
  }
  return { form: 'ar archive', kind: 'archive', facts: {}, members };
};

const END_OF_ZIP = Buffer.from('504b0506', 'hex');

/** Members that are unpacked in one go. */
const MOST_ZIP_MEMBER = 256 * 1024 ** 2;

const dosTime = (date: number, time: number): string =>
  `${1980 + (date >> 9)}-${(date >> 5) & 15}-${date & 31} ${time >> 11}:${(time >> 5) & 63}:${(time & 31) * 2}`;

/** A zip archive, by its directory at the end (PKWARE's APPNOTE 6.3, without ZIP64 and encryption). */
export const openZip = async (blob: Blob, shop: Workshop): Promise<Opened> => {
  const tail = await readBytes(blob, Math.max(0, blob.sizeBytes - 66_000), 66_000);
  const end = tail.lastIndexOf(END_OF_ZIP);
  if (end < 0 || end + 22 > tail.length) throw new NotReadable('it has no directory');
  const [count, size, start] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (start === 0xffffffff) throw new NotReadable('it is a ZIP64 archive, which is not known here');
  const directory = await readBytes(blob, start, size);
  const members = new Map<string, Member>();
  for (let at = 0, index = 0; index < count; index += 1) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
      throw new NotReadable('its directory is damaged');
    const u16 = (place: number): number => directory.readUInt16LE(at + place);
    const u32 = (place: number): number => directory.readUInt32LE(at + place);
    const name = directory.toString('utf8', at + 46, at + 46 + u16(28));
    const local = await readBytes(blob, u32(42), 30);
    if (local.length < 30) throw new NotReadable('it is cut off');
    const packed = sliceOf(blob, u32(42) + 30 + local.readUInt16LE(26) + local.readUInt16LE(28), u32(20));
    const facts = { mode: (u32(38) >>> 16).toString(8), changed: dosTime(u16(14), u16(12)), method: String(u16(10)) };
    const isFolder = name.endsWith('/');
    const content = isFolder ? undefined : await unzip(packed, u16(10), u32(24), shop);
    put(members, name.replace(/\/$/, ''), { kind: isFolder ? 'folder' : 'file', facts, content });
    at += 46 + u16(28) + u16(30) + u16(32);
  }
  return { form: 'zip archive', kind: 'archive', facts: {}, members };
};

const unzip = async (packed: Blob, method: number, size: number, shop: Workshop): Promise<Blob> => {
  if (method === 0) return packed;
  if (method !== 8 || size > MOST_ZIP_MEMBER)
    throw new NotReadable('a member of it is packed in a way that is not known here');
  const file = await shop.newFile('unzipped');
  const bytes = await readBytes(packed, 0, packed.sizeBytes);
  try {
    await writeFile(file, inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) }));
  } catch (error) {
    throw new NotReadable(`a member of it cannot be unpacked: ${(error as Error).message}`);
  }
  await chargeFile(file, shop);
  return shop.open(file);
};
