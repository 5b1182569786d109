import { type Blob, blobOf, type Extent, readBytes, sliceOf } from '../blob.ts';
import type { Member, Opened } from '../types.ts';
import { NotReadable } from '../workshop.ts';

/** More than any EFI system partition has; a loop in a damaged one ends here. */
const MOST_ENTRIES = 200_000;
const MOST_DEPTH = 64;
const ENTRY_BYTES = 32;

interface Volume {
  readonly blob: Blob;
  readonly fat: Buffer;
  readonly bits: 12 | 16 | 32;
  readonly clusterBytes: number;
  readonly dataAt: number;
  readonly clusters: number;
}

const nextCluster = ({ fat, bits }: Volume, cluster: number): number => {
  if (bits === 32) return (cluster * 4 + 4 <= fat.length ? fat.readUInt32LE(cluster * 4) : 0) & 0x0fffffff;
  if (bits === 16) return cluster * 2 + 2 <= fat.length ? fat.readUInt16LE(cluster * 2) : 0;
  const at = cluster + (cluster >> 1);
  const pair = at + 2 <= fat.length ? fat.readUInt16LE(at) : 0;
  return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
};

/** The clusters of a file, in order, neighbours together. A chain that leaves the volume or comes back to itself is damage. */
const chainOf = (volume: Volume, first: number): Blob => {
  const { clusters, clusterBytes, dataAt } = volume;
  const extents: { offset: number; length: number }[] = [];
  let count = 0;
  for (let cluster = first; cluster >= 2 && cluster < clusters + 2; cluster = nextCluster(volume, cluster)) {
    count += 1;
    if (count > clusters) throw new NotReadable('a file of it has a chain of clusters without an end');
    const offset = dataAt + (cluster - 2) * clusterBytes;
    const last = extents.at(-1);
    if (last && last.offset + last.length === offset) last.length += clusterBytes;
    else extents.push({ offset, length: clusterBytes });
  }
  return placeIn(volume.blob, extents);
};

/** Extents of a volume as extents of the file that the volume is in. */
const placeIn = (blob: Blob, extents: readonly Extent[]): Blob =>
  blobOf(
    blob.source,
    extents.flatMap(({ offset = 0, length }) => sliceOf(blob, offset, length).extents),
  );

const readVolume = async (blob: Blob): Promise<Volume & { root: Blob; facts: Record<string, string> }> => {
  const boot = await readBytes(blob, 0, 512);
  const [sector, perCluster, reserved, fats] = [
    boot.readUInt16LE(11),
    boot.readUInt8(13),
    boot.readUInt16LE(14),
    boot.readUInt8(16),
  ];
  const rootEntries = boot.readUInt16LE(17);
  const sectors = boot.readUInt16LE(19) || boot.readUInt32LE(32);
  const fatSectors = boot.readUInt16LE(22) || boot.readUInt32LE(36);
  if (![512, 1024, 2048, 4096].includes(sector) || perCluster === 0 || fats === 0)
    throw new NotReadable('its boot sector is damaged');
  const rootAt = (reserved + fats * fatSectors) * sector;
  const dataAt = rootAt + Math.ceil((rootEntries * ENTRY_BYTES) / sector) * sector;
  const clusterBytes = perCluster * sector;
  const clusters = Math.floor((sectors * sector - dataAt) / clusterBytes);
  if (clusters < 1 || dataAt > blob.sizeBytes || fatSectors * sector > 256 * 1024 ** 2)
    throw new NotReadable('its boot sector is damaged');
  const bits = clusters < 4085 ? 12 : clusters < 65525 ? 16 : 32;
  const fat = await readBytes(blob, reserved * sector, fatSectors * sector);
  const volume: Volume = { blob, fat, bits, clusterBytes, dataAt, clusters };
  const extended = bits === 32 ? 64 : 36;
  const facts = {
    type: `FAT${bits}`,
    'volume ID': boot
      .readUInt32LE(extended + 3)
      .toString(16)
      .padStart(8, '0'),
    label: boot.toString('latin1', extended + 7, extended + 18).trimEnd(),
    size: `${sectors * sector} bytes`,
    'cluster size': String(clusterBytes),
  };
  const root = bits === 32 ? chainOf(volume, boot.readUInt32LE(44)) : sliceOf(blob, rootAt, rootEntries * ENTRY_BYTES);
  return { ...volume, root, facts };
};

const longPart = (entry: Buffer): string =>
  Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]).toString('utf16le');

/** Which parts of a short name are meant in small letters, says a byte that only Windows NT and those after it write. */
const shortName = (entry: Buffer): string => {
  const part = (from: number, to: number, smallBit: number): string => {
    const text = entry.toString('latin1', from, to).trimEnd();
    return (entry.readUInt8(12) & smallBit) === 0 ? text : text.toLowerCase();
  };
  const [base, ending] = [part(0, 8, 8), part(8, 11, 16)];
  return ending === '' ? base : `${base}.${ending}`;
};

const two = (value: number): string => String(value).padStart(2, '0');

/** As it is written: FAT knows no time zones. */
const timeOf = (date: number, time: number): string =>
  `${1980 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)} ${two(time >> 11)}:${two((time >> 5) & 63)}:${two((time & 31) * 2)}`;

/** A FAT file system (Microsoft's FAT32 specification of 2000), for example an EFI system partition. */
export const openFat = async (blob: Blob): Promise<Opened> => {
  const volume = await readVolume(blob);
  const members = new Map<string, Member>();
  const walk = async (folder: Blob, path: string, depth: number): Promise<void> => {
    if (depth > MOST_DEPTH) throw new NotReadable('its folders are nested without an end');
    const bytes = await readBytes(folder, 0, MOST_ENTRIES * ENTRY_BYTES);
    let long = '';
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      const entry = bytes.subarray(at, at + ENTRY_BYTES);
      const attributes = entry.readUInt8(11);
      if (entry[0] === 0) break;
      if (entry[0] === 0xe5) {
        long = '';
        continue;
      }
      if (attributes === 0x0f) {
        long = longPart(entry) + long;
        continue;
      }
      const name = long.replace(/\0.*$/s, '') || shortName(entry);
      long = '';
      if ((attributes & 8) !== 0 || name === '.' || name === '..') continue;
      if (members.size > MOST_ENTRIES) throw new NotReadable('it has more files than can be');
      await add(entry, attributes, `${path}/${name}`, depth);
    }
  };
  const add = async (entry: Buffer, attributes: number, path: string, depth: number): Promise<void> => {
    const first = (volume.bits === 32 ? entry.readUInt16LE(20) << 16 : 0) | entry.readUInt16LE(26);
    const facts = {
      attributes: `0x${two(attributes & 0x37)}`,
      changed: timeOf(entry.readUInt16LE(24), entry.readUInt16LE(22)),
    };
    const chain = chainOf(volume, first);
    if ((attributes & 16) !== 0) {
      members.set(path, { kind: 'folder', facts });
      await walk(chain, path, depth + 1);
    } else members.set(path, { kind: 'file', facts, content: sliceOf(chain, 0, entry.readUInt32LE(28)) });
  };
  await walk(volume.root, '', 0);
  return { form: 'FAT file system', kind: 'filesystem', facts: volume.facts, members };
};
