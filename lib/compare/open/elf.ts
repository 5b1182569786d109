import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Member, Opened } from '../types.ts';
import { NotReadable } from '../workshop.ts';

const NOBITS = 8;
const MOST_SECTIONS = 100_000;

const MACHINES: Readonly<Record<number, string>> = { 3: 'x86', 40: 'ARM', 62: 'x86-64', 183: 'AArch64', 243: 'RISC-V' };
const TYPES = ['none', 'relocatable', 'executable', 'shared', 'core'];

/** Reads numbers of either width and order. */
const readerOf = (bytes: Buffer, isBig: boolean, isWide: boolean) => {
  const u16 = (at: number): number => (isBig ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
  const u32 = (at: number): number => (isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at));
  const u64 = (at: number): number => Number(isBig ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at));
  return { u16, u32, word: (at: number): number => (isWide ? u64(at) : u32(at)) };
};

/** A program, library, object or kernel module (System V ABI, chapter 4), section by section. */
export const openElf = async (blob: Blob): Promise<Opened> => {
  const head = await readBytes(blob, 0, 64);
  if (head.length < 52) throw new NotReadable('its header is cut off');
  const [isWide, isBig] = [head[4] === 2, head[5] === 2];
  if (isWide && head.length < 64) throw new NotReadable('its header is cut off');
  const { u16, word } = readerOf(head, isBig, isWide);
  const facts = {
    class: isWide ? '64 bit' : '32 bit',
    type: TYPES[u16(16)] ?? String(u16(16)),
    machine: MACHINES[u16(18)] ?? String(u16(18)),
    entry: `0x${word(24).toString(16)}`,
  };
  const [tableAt, entryBytes, count, namesIndex] = isWide
    ? [word(40), u16(58), u16(60), u16(62)]
    : [word(32), u16(46), u16(48), u16(50)];
  if (count === 0) return { form: 'ELF file', kind: 'program', facts, members: new Map() };
  if (entryBytes < (isWide ? 64 : 40) || count > MOST_SECTIONS)
    throw new NotReadable('its table of sections is damaged');
  const table = await readBytes(blob, tableAt, entryBytes * count);
  if (table.length < entryBytes * count) throw new NotReadable('its table of sections is cut off');
  const at = readerOf(table, isBig, isWide);
  const placeOf = (index: number): readonly [number, number] => {
    const base = index * entryBytes;
    return isWide ? [at.word(base + 24), at.word(base + 32)] : [at.word(base + 16), at.word(base + 20)];
  };
  const names = namesIndex < count ? await readBytes(blob, ...cap(placeOf(namesIndex))) : Buffer.alloc(0);
  const members = new Map<string, Member>();
  for (let index = 1; index < count; index += 1) {
    const base = index * entryBytes;
    const [offset, size] = placeOf(index);
    const nameAt = at.u32(base);
    const end = names.indexOf(0, nameAt);
    const name = names.toString('utf8', nameAt, end < 0 ? names.length : end) || `section ${index}`;
    const type = at.u32(base + 4);
    const sectionFacts = { type: String(type), flags: `0x${at.word(base + 8).toString(16)}` };
    const key = members.has(name) ? `${name} (${index})` : name;
    if (type === NOBITS) members.set(key, { kind: 'section', facts: { ...sectionFacts, size: String(size) } });
    else members.set(key, { kind: 'section', facts: sectionFacts, content: sliceOf(blob, offset, size) });
  }
  return { form: 'ELF file', kind: 'program', facts, members };
};

const MOST_NAMES_BYTES = 64 * 1024 ** 2;

const cap = ([offset, size]: readonly [number, number]): [number, number] => [offset, Math.min(size, MOST_NAMES_BYTES)];
