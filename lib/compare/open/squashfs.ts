import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Kind, Member, Opened } from '../types.ts';
import { chargeFile, NotReadable, type Workshop } from '../workshop.ts';

const COMPRESSIONS = ['', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];

/** Where the program writes the list of files apart from their bytes. */
const DATA = Buffer.from('#\n# START OF DATA - DO NOT MODIFY\n#\n');

/** A list of some million files is longer than that; then it is none. */
const MOST_LIST_BYTES = 512 * 1024 ** 2;

const superblock = async (blob: Blob) => {
  const bytes = await readBytes(blob, 0, 96);
  if (bytes.length < 96) throw new NotReadable('its superblock is cut off');
  const used = Number(bytes.readBigUInt64LE(40));
  if (used > blob.sizeBytes) throw new NotReadable('it is cut off');
  const facts = {
    made: new Date(bytes.readUInt32LE(8) * 1000).toISOString(),
    compression: COMPRESSIONS[bytes.readUInt16LE(20)] ?? String(bytes.readUInt16LE(20)),
    'block size': String(bytes.readUInt32LE(12)),
    inodes: String(bytes.readUInt32LE(4)),
    flags: `0x${bytes.readUInt16LE(24).toString(16)}`,
    size: `${used} bytes`,
  };
  return { facts, used };
};

/** What is written as `\ ` and the like stands for the character itself. */
const plainName = (escaped: string): string => escaped.replaceAll(/\\(.)/gs, '$1');

const KINDS: Readonly<Record<string, readonly [Kind, string]>> = {
  D: ['folder', 'folder'],
  R: ['file', 'file'],
  S: ['link', 'symbolic link'],
  L: ['link', 'hard link'],
  C: ['special', 'character device'],
  B: ['special', 'block device'],
  I: ['special', 'fifo or socket'],
};

/** One definition: name, letter, time, mode, owner, group, and what comes with the letter. Names and targets may have line ends in them. */
const DEFINITION =
  /^((?:\\[\s\S]|[^\\\s])+) ([DRSCBI]) (\d+) ([0-7]+) (\d+) (\d+)(?: ([^\n]*))?$|^((?:\\[\s\S]|[^\\\s])+) L ([^\n]*)$/gm;

/**
 * Reads the list that `unsquashfs -pf` writes.
 *
 * @param data the bytes of all files, one after the other
 */
export const readPseudoFile = (list: string, data: Blob): Map<string, Member> => {
  const members = new Map<string, Member>();
  for (const match of list.matchAll(DEFINITION)) {
    const [, name, letter = '', time, mode = '', uid, gid, rest = '', linkName, linkTarget] = match;
    const path = `/${plainName(name ?? linkName ?? '').replace(/^\//, '')}`;
    if (linkTarget !== undefined) {
      members.set(path, { kind: 'link', facts: { type: 'hard link', 'link target': `/${plainName(linkTarget)}` } });
      continue;
    }
    const [kind, type] = KINDS[letter] ?? ['special', letter];
    const facts = {
      type,
      mode: mode.padStart(4, '0'),
      owner: `${uid}:${gid}`,
      changed: new Date(Number(time) * 1000).toISOString(),
    };
    if (letter === 'R') {
      const [length = Number.NaN, offset = Number.NaN] = rest.split(' ').map(Number);
      if (!Number.isSafeInteger(length) || !Number.isSafeInteger(offset)) continue;
      members.set(path, { kind, facts, content: sliceOf(data, offset, length) });
    } else if (letter === 'S') members.set(path, { kind, facts: { ...facts, 'link target': rest } });
    else if (letter === 'D') members.set(path, { kind, facts });
    else members.set(path, { kind, facts: { ...facts, device: rest } });
  }
  return members;
};

/** Where the list ends, searched piece by piece. */
const listLength = async (blob: Blob): Promise<number> => {
  const piece = 4 * 1024 ** 2;
  for (let at = 0; at < Math.min(blob.sizeBytes, MOST_LIST_BYTES); at += piece) {
    const found = (await readBytes(blob, at, piece + DATA.length)).indexOf(DATA);
    if (found >= 0) return at + found;
  }
  // Without a file there are no data.
  if (blob.sizeBytes < MOST_LIST_BYTES) return blob.sizeBytes;
  throw new NotReadable('the list of its files is too long');
};

/** A squashfs file system, read by `unsquashfs`: all of it in one stream, so that nothing of it is ever a file with its name here. */
export const openSquashfs = async (blob: Blob, shop: Workshop): Promise<Opened> => {
  const { facts, used } = await superblock(blob);
  const file = await shop.asFile(blob);
  const first = blob.extents[0]?.offset ?? 0;
  const offset = file === blob.source.file ? first : 0;
  const pseudo = await shop.newFile('squashfs');
  await shop.runner.run(
    ['unsquashfs', '-no-xattrs', '-quiet', '-no-progress', '-offset', String(offset), '-pf', pseudo, file],
    {
      timeoutMs: shop.limits.toolMs,
      stdout: 'capture',
    },
  );
  await chargeFile(pseudo, shop);
  const all = await shop.open(pseudo);
  const length = await listLength(all);
  const list = (await readBytes(all, 0, length)).toString('utf8');
  const members = readPseudoFile(list, sliceOf(all, length + DATA.length));
  // The system is padded to whole blocks of 4 KiB; then comes the hash tree, where there is one.
  const end = Math.ceil(used / 4096) * 4096;
  if (end < blob.sizeBytes) {
    const rest = sliceOf(blob, end);
    const isTree = (await readBytes(rest, 0, 6)).toString('latin1') === 'verity';
    members.set(isTree ? 'dm-verity' : 'behind the file system', {
      kind: isTree ? 'hash tree' : 'space',
      facts: {},
      content: rest,
      note: isTree ? 'follows from the file system and the salt' : undefined,
    });
  }
  return { form: 'squashfs', kind: 'filesystem', facts, members };
};
