import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Member, Opened } from '../types.ts';
import { NotReadable } from '../workshop.ts';

const SECTOR = 2048;
const MOST_MEMBERS = 1_000_000;
const MOST_FOLDER_BYTES = 64 * 1024 ** 2;

/** Rock Ridge's name in the system use area, if it has one. */
const rockRidgeName = (area: Buffer): string | undefined => {
  let name: string | undefined;
  for (let at = 0; at + 4 <= area.length; ) {
    const length = area.readUInt8(at + 2);
    if (length < 4) break;
    if (area.toString('latin1', at, at + 2) === 'NM') name = (name ?? '') + area.toString('utf8', at + 5, at + length);
    at += length;
  }
  return name;
};

/** An ISO 9660 file system, with the names of Rock Ridge; links and owners of Rock Ridge are not looked at. */
export const openIso9660 = async (blob: Blob): Promise<Opened> => {
  const volume = await readBytes(blob, 16 * SECTOR, SECTOR);
  if (volume.length < SECTOR) throw new NotReadable('it is cut off');
  const text = (from: number, to: number): string => volume.toString('latin1', from, to).trimEnd();
  const facts = {
    volume: text(40, 72),
    size: `${volume.readUInt32LE(80) * SECTOR} bytes`,
    publisher: text(318, 446),
    application: text(574, 702),
    made: text(813, 829),
    changed: text(830, 846),
  };
  const members = new Map<string, Member>();
  const walked = new Set<number>();
  const walk = async (sector: number, sizeBytes: number, path: string): Promise<void> => {
    if (walked.has(sector)) throw new NotReadable('a folder of it is inside of itself');
    walked.add(sector);
    const bytes = await readBytes(blob, sector * SECTOR, Math.min(sizeBytes, MOST_FOLDER_BYTES));
    for (let at = 0; at + 34 <= bytes.length; ) {
      const length = bytes.readUInt8(at);
      if (length === 0) {
        at = (Math.floor(at / SECTOR) + 1) * SECTOR;
        continue;
      }
      const entry = bytes.subarray(at, at + length);
      at += length;
      if (entry.length < 34) break;
      const nameBytes = entry.readUInt8(32);
      const raw = entry.toString('latin1', 33, 33 + nameBytes);
      if (raw === '\0' || raw === '\x01') continue;
      const area = entry.subarray(33 + nameBytes + (nameBytes % 2 === 0 ? 1 : 0));
      const name = `${path}/${rockRidgeName(area) ?? raw.replace(/;\d+$/, '')}`;
      const [start, size, isFolder] = [entry.readUInt32LE(2), entry.readUInt32LE(10), (entry.readUInt8(25) & 2) !== 0];
      if (members.size >= MOST_MEMBERS) throw new NotReadable('it has more files than can be');
      const facts = { changed: entry.toString('hex', 18, 25) };
      members.set(
        name,
        isFolder ? { kind: 'folder', facts } : { kind: 'file', facts, content: sliceOf(blob, start * SECTOR, size) },
      );
      if (isFolder) await walk(start, size, name);
    }
  };
  await walk(volume.readUInt32LE(156 + 2), volume.readUInt32LE(156 + 10), '');
  members.set('system area', { kind: 'space', facts: {}, content: sliceOf(blob, 0, 16 * SECTOR) });
  return { form: 'ISO 9660 file system', kind: 'filesystem', facts, members };
};
