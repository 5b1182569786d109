import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Member, Opened } from '../types.ts';
import { NotReadable } from '../workshop.ts';

const SECTOR = 512;

/** A GUID as GPT stores it: the first three parts with the low byte first. */
const guidAt = (bytes: Buffer, at: number): string => {
  const part = (from: number, to: number, swap: boolean): string => {
    const slice = Buffer.from(bytes.subarray(at + from, at + to));
    return (swap ? slice.reverse() : slice).toString('hex');
  };
  return [part(0, 4, true), part(4, 6, true), part(6, 8, true), part(8, 10, false), part(10, 16, false)].join('-');
};

interface Partition {
  readonly name: string;
  readonly start: number;
  readonly length: number;
  readonly facts: Readonly<Record<string, string>>;
}

const NO_GUID = '00000000-0000-0000-0000-000000000000';

const partitionAt = (entry: Buffer, number: number): Partition | undefined => {
  const type = guidAt(entry, 0);
  if (type === NO_GUID) return undefined;
  const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
  const label = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '');
  const facts = {
    number: String(number),
    'type GUID': type,
    'partition GUID': guidAt(entry, 16),
    'first sector': String(first),
    sectors: String(last - first + 1),
    attributes: `0x${entry.readBigUInt64LE(48).toString(16)}`,
  };
  return { name: label || `partition ${number}`, start: first * SECTOR, length: (last - first + 1) * SECTOR, facts };
};

/** What lies between and behind partitions is not zeros on every disk: boot code, for example. */
const gapsOf = (disk: Blob, partitions: readonly Partition[], from: number): Map<string, Member> => {
  const gaps = new Map<string, Member>();
  let at = from;
  const add = (until: number): void => {
    if (until <= at) return;
    const name = `space from sector ${at / SECTOR}`;
    gaps.set(name, { kind: 'space', facts: {}, content: sliceOf(disk, at, until - at) });
  };
  for (const { start, length } of [...partitions].sort((a, b) => a.start - b.start)) {
    add(Math.min(start, disk.sizeBytes));
    at = Math.max(at, start + length);
  }
  add(disk.sizeBytes - 33 * SECTOR);
  return gaps;
};

/** A disk with a GUID partition table: UEFI specification 2.10, 5.3. */
export const openGpt = async (disk: Blob): Promise<Opened> => {
  const header = await readBytes(disk, SECTOR, SECTOR);
  if (header.length < SECTOR) throw new NotReadable('its partition table is cut off');
  const [count, size] = [header.readUInt32LE(80), header.readUInt32LE(84)];
  if (count > 1024 || size < 128 || size > 4096 || size % 8 !== 0)
    throw new NotReadable('its partition table is damaged');
  const entriesAt = Number(header.readBigUInt64LE(72)) * SECTOR;
  const entries = await readBytes(disk, entriesAt, count * size);
  if (entries.length < count * size) throw new NotReadable('its partition table is cut off');
  const partitions = Array.from({ length: count }, (_, index) =>
    partitionAt(entries.subarray(index * size, (index + 1) * size), index + 1),
  ).filter((one) => one !== undefined);
  const members = new Map<string, Member>();
  for (const { name, start, length, facts } of partitions) {
    const key = members.has(name) ? `${name} (${facts.number})` : name;
    members.set(key, { kind: 'partition', facts, content: sliceOf(disk, start, length) });
  }
  members.set('boot sector', { kind: 'space', facts: {}, content: sliceOf(disk, 0, 446) });
  for (const [name, gap] of gapsOf(disk, partitions, entriesAt + count * size)) members.set(name, gap);
  const facts = {
    'disk GUID': guidAt(header, 56),
    size: `${disk.sizeBytes} bytes`,
    partitions: String(partitions.length),
  };
  return { form: 'GPT disk', kind: 'disk', facts, members };
};
