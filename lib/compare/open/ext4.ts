import { type Blob, blobOf, type Extent, readBytes, sliceOf } from '../blob.ts';
import type { Kind, Member, Opened } from '../types.ts';
import { NotReadable } from '../workshop.ts';

const MOST_INODES = 4_000_000;
const MOST_FOLDER_BYTES = 64 * 1024 ** 2;
const ROOT_INODE = 2;

/** Incompatible features that are known here; files of a system with others cannot be found. */
const FILETYPE = 0x2;
const META_BG = 0x10;
const EXTENTS = 0x40;
const WIDE = 0x80;
const INLINE = 0x8000;
const KNOWN = FILETYPE | 0x4 | EXTENTS | WIDE | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | INLINE;

interface Volume {
  readonly blob: Blob;
  readonly blockBytes: number;
  readonly inodeBytes: number;
  readonly inodesPerGroup: number;
  readonly inodes: number;
  /** Block where the inode table of each group begins. */
  readonly tables: readonly number[];
}

interface Inode {
  readonly number: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly flags: number;
  readonly mtime: number;
  /** The 60 bytes that say where the content is, or are it. */
  readonly place: Buffer;
}

const uuidOf = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const readVolume = async (blob: Blob): Promise<Volume & { facts: Record<string, string>; sizeBytes: number }> => {
  const block = await readBytes(blob, 1024, 1024);
  const u32 = (at: number): number => block.readUInt32LE(at);
  const incompatible = u32(96);
  if ((incompatible & ~KNOWN) !== 0 || (incompatible & META_BG) !== 0)
    throw new NotReadable(`it has features that are not known here (0x${incompatible.toString(16)})`);
  const logBlock = u32(24);
  const [inodes, inodesPerGroup, blocksPerGroup] = [u32(0), u32(40), u32(32)];
  if (logBlock > 6 || inodesPerGroup === 0 || blocksPerGroup === 0 || inodes > MOST_INODES * 100)
    throw new NotReadable('its superblock is damaged');
  const blockBytes = 1024 << logBlock;
  const blocks = u32(4) + ((incompatible & WIDE) !== 0 ? u32(0x150) * 2 ** 32 : 0);
  const groups = Math.ceil((blocks - u32(20)) / blocksPerGroup);
  const descriptorBytes = (incompatible & WIDE) !== 0 ? Math.max(32, block.readUInt16LE(254)) : 32;
  if (groups < 1 || groups > 1_000_000) throw new NotReadable('its superblock is damaged');
  const descriptors = await readBytes(blob, (u32(20) + 1) * blockBytes, groups * descriptorBytes);
  if (descriptors.length < groups * descriptorBytes) throw new NotReadable('it is cut off');
  const tables = Array.from({ length: groups }, (_, group) => {
    const at = group * descriptorBytes;
    const high = descriptorBytes >= 64 ? descriptors.readUInt32LE(at + 0x28) : 0;
    return descriptors.readUInt32LE(at + 8) + high * 2 ** 32;
  });
  const facts = {
    UUID: uuidOf(block.subarray(104, 120)),
    label: block.toString('utf8', 120, 136).replace(/\0.*$/s, ''),
    size: `${blocks * blockBytes} bytes`,
    'block size': String(blockBytes),
    inodes: String(inodes),
    features: `0x${u32(92).toString(16)} 0x${incompatible.toString(16)} 0x${u32(100).toString(16)}`,
    'hash seed': uuidOf(block.subarray(0xec, 0xfc)),
    made: String(u32(0x108)),
    'last written': String(u32(48)),
  };
  const inodeBytes = u32(76) === 0 ? 128 : block.readUInt16LE(88);
  if (inodeBytes < 128 || inodeBytes > blockBytes) throw new NotReadable('its superblock is damaged');
  return { blob, blockBytes, inodeBytes, inodesPerGroup, inodes, tables, facts, sizeBytes: blocks * blockBytes };
};

const readInode = async (volume: Volume, number: number): Promise<Inode> => {
  const { inodesPerGroup, tables, blockBytes, inodeBytes, inodes } = volume;
  const table = tables[Math.floor((number - 1) / inodesPerGroup)];
  if (table === undefined || number < 1 || number > inodes)
    throw new NotReadable(`it names an inode ${number} that it does not have`);
  const at = table * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes;
  const bytes = await readBytes(volume.blob, at, 128);
  if (bytes.length < 128) throw new NotReadable('it is cut off');
  return {
    number,
    mode: bytes.readUInt16LE(0),
    uid: bytes.readUInt16LE(2) | (bytes.readUInt16LE(120) << 16),
    gid: bytes.readUInt16LE(24) | (bytes.readUInt16LE(122) << 16),
    sizeBytes: bytes.readUInt32LE(4) + bytes.readUInt32LE(108) * 2 ** 32,
    flags: bytes.readUInt32LE(32),
    mtime: bytes.readUInt32LE(16),
    place: Buffer.from(bytes.subarray(40, 100)),
  };
};

interface Run {
  /** In blocks, within the file. */
  readonly logical: number;
  readonly length: number;
  /** Undefined: allocated, but never written. */
  readonly block: number | undefined;
}

const EXTENT_MAGIC = 0xf30a;

/** Runs of blocks from the tree of extents; the tree is at most five deep. */
const runsOf = async (volume: Volume, node: Buffer, depthLeft = 5): Promise<Run[]> => {
  if (node.length < 12 || node.readUInt16LE(0) !== EXTENT_MAGIC || depthLeft < 0)
    throw new NotReadable('the extents of a file are damaged');
  const entries = Math.min(node.readUInt16LE(2), Math.floor((node.length - 12) / 12));
  const isLeaf = node.readUInt16LE(6) === 0;
  const runs: Run[] = [];
  for (let index = 0; index < entries; index += 1) {
    const at = 12 + index * 12;
    if (!isLeaf) {
      const block = node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32;
      const child = await readBytes(volume.blob, block * volume.blockBytes, volume.blockBytes);
      runs.push(...(await runsOf(volume, child, depthLeft - 1)));
      continue;
    }
    const raw = node.readUInt16LE(at + 4);
    const isUnwritten = raw > 0x8000;
    const block = node.readUInt32LE(at + 8) + node.readUInt16LE(at + 6) * 2 ** 32;
    const run = { logical: node.readUInt32LE(at), length: isUnwritten ? raw - 0x8000 : raw };
    runs.push({ ...run, block: isUnwritten ? undefined : block });
  }
  return runs;
};

/** The blocks of a file of ext2 and ext3: twelve of its own, then blocks of numbers of blocks, up to three levels. */
const mappedRuns = async (volume: Volume, { place, sizeBytes }: Inode): Promise<Run[]> => {
  const needed = Math.ceil(sizeBytes / volume.blockBytes);
  const runs: Run[] = [];
  let logical = 0;
  const take = async (block: number, level: number): Promise<void> => {
    const per = (volume.blockBytes / 4) ** level;
    if (logical >= needed) return;
    if (block === 0) logical += per;
    else if (level === 0) {
      runs.push({ logical, length: 1, block });
      logical += 1;
    } else {
      const numbers = await readBytes(volume.blob, block * volume.blockBytes, volume.blockBytes);
      for (let at = 0; at + 4 <= numbers.length; at += 4) await take(numbers.readUInt32LE(at), level - 1);
    }
  };
  for (let index = 0; index < 15; index += 1) await take(place.readUInt32LE(index * 4), Math.max(0, index - 11));
  return runs;
};

const contentOf = async (volume: Volume, inode: Inode): Promise<Blob> => {
  const { blob, blockBytes } = volume;
  if ((inode.flags & 0x10000000) !== 0)
    throw new NotReadable('a file of it has its content in its inode, which is not known here');
  const isMapped = (inode.flags & 0x80000) === 0;
  const runs = isMapped ? await mappedRuns(volume, inode) : await runsOf(volume, inode.place);
  const extents: Extent[] = [];
  let at = 0;
  for (const { logical, length, block } of runs.sort((a, b) => a.logical - b.logical)) {
    const start = logical * blockBytes;
    if (start > at) extents.push({ offset: undefined, length: start - at });
    if (start < at) throw new NotReadable('the extents of a file overlap');
    if (block === undefined) extents.push({ offset: undefined, length: length * blockBytes });
    else {
      const slice = sliceOf(blob, block * blockBytes, length * blockBytes);
      if (slice.sizeBytes < length * blockBytes) throw new NotReadable('it is cut off');
      extents.push(...slice.extents);
    }
    at = start + length * blockBytes;
  }
  if (at < inode.sizeBytes) extents.push({ offset: undefined, length: inode.sizeBytes - at });
  return sliceOf(blobOf(blob.source, extents), 0, inode.sizeBytes);
};

const KINDS: Readonly<Record<number, Kind>> = { 4: 'folder', 8: 'file', 10: 'link' };
const TYPES: Readonly<Record<number, string>> = {
  1: 'fifo',
  2: 'character device',
  4: 'folder',
  6: 'block device',
  8: 'file',
  10: 'symbolic link',
  12: 'socket',
};

const targetOf = async (volume: Volume, inode: Inode): Promise<string> => {
  const isFast = inode.sizeBytes < 60 && (inode.flags & 0x80000) === 0;
  const bytes = isFast ? inode.place : await readBytes(await contentOf(volume, inode), 0, 4096);
  return bytes.toString('utf8', 0, Math.min(inode.sizeBytes, bytes.length));
};

const memberOf = async (volume: Volume, inode: Inode): Promise<Member> => {
  const type = inode.mode >> 12;
  const facts = {
    type: TYPES[type] ?? `type ${type}`,
    mode: (inode.mode & 0o7777).toString(8).padStart(4, '0'),
    owner: `${inode.uid}:${inode.gid}`,
    changed: new Date(inode.mtime * 1000).toISOString(),
  };
  if (type === 8) return { kind: 'file', facts, content: await contentOf(volume, inode) };
  if (type === 10) return { kind: 'link', facts: { ...facts, 'link target': await targetOf(volume, inode) } };
  const isDevice = type === 2 || type === 6;
  return {
    kind: KINDS[type] ?? 'special',
    facts: isDevice ? { ...facts, device: inode.place.toString('hex', 0, 8) } : facts,
  };
};

/** ext2, ext3 and ext4: https://docs.kernel.org/filesystems/ext4/ */
export const openExt4 = async (blob: Blob): Promise<Opened> => {
  const volume = await readVolume(blob);
  const members = new Map<string, Member>();
  const walked = new Set<number>();
  const walk = async (folder: Inode, path: string): Promise<void> => {
    if (walked.has(folder.number)) throw new NotReadable('a folder of it is inside of itself');
    walked.add(folder.number);
    const bytes = await readBytes(await contentOf(volume, folder), 0, MOST_FOLDER_BYTES);
    for (let at = 0; at + 8 <= bytes.length; ) {
      const [number, length, nameBytes] = [bytes.readUInt32LE(at), bytes.readUInt16LE(at + 4), bytes.readUInt8(at + 6)];
      if (length < 8 || length % 4 !== 0) throw new NotReadable('a folder of it is damaged');
      const name = bytes.toString('utf8', at + 8, Math.min(at + 8 + nameBytes, at + length));
      at += length;
      if (number === 0 || name === '.' || name === '..') continue;
      if (members.size > MOST_INODES) throw new NotReadable('it has more files than can be');
      const inode = await readInode(volume, number);
      members.set(`${path}/${name}`, await memberOf(volume, inode));
      if (inode.mode >> 12 === 4) await walk(inode, `${path}/${name}`);
    }
  };
  const root = await readInode(volume, ROOT_INODE);
  members.set('/', await memberOf(volume, root));
  await walk(root, '');
  if (blob.sizeBytes > volume.sizeBytes)
    members.set('behind the file system', { kind: 'space', facts: {}, content: sliceOf(blob, volume.sizeBytes) });
  return { form: 'ext file system', kind: 'filesystem', facts: volume.facts, members };
};
