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

/** One definition: name, letter, time, mode, owner, group, and what comes with the letter; or a hard link. */
const DEFINITION = /^(?:((?:\\.|[^\\\s])+) ([DRSCBI]) (\d+) ([0-7]+) (\d+) (\d+)(?: (.*))?|((?:\\.|[^\\\s])+) L (.*))$/;

/** The program does not tell a line end in a name or a link target from the end of a line; what it says of such a file system may be a lie. */
const AMBIGUOUS = 'names or link targets in it have line ends, so that the list of its files cannot be trusted';

const memberOf = (match: RegExpExecArray, data: Blob): Member => {
  const [, , letter = '', time, mode = '', uid, gid, rest = '', , linkTarget] = match;
  if (linkTarget !== undefined)
    return { kind: 'link', facts: { type: 'hard link', 'link target': `/${plainName(linkTarget)}` } };
  const [kind, type] = KINDS[letter] ?? ['special', letter];
  const facts = {
    type,
    mode: mode.padStart(4, '0'),
    owner: `${uid}:${gid}`,
    changed: new Date(Number(time) * 1000).toISOString(),
  };
  if (letter === 'S') return { kind, facts: { ...facts, 'link target': rest } };
  if (letter === 'D') return { kind, facts };
  if (letter !== 'R') return { kind, facts: { ...facts, device: rest } };
  const [length = Number.NaN, offset = Number.NaN] = rest.split(' ').map(Number);
  if (!Number.isSafeInteger(length) || !Number.isSafeInteger(offset)) throw new NotReadable(AMBIGUOUS);
  return { kind, facts, content: sliceOf(data, offset, length) };
};

/**
 * Reads the list that `unsquashfs -pf` writes.
 *
 * @param data the bytes of all files, one after the other
 * @param inodes how many there are, by the superblock
 * @throws NotReadable when it cannot be the list of this file system
 */
export const readPseudoFile = (list: string, data: Blob, inodes: number): Map<string, Member> => {
  const members = new Map<string, Member>();
  let found = 0;
  for (const line of list.split('\n').filter(Boolean)) {
    const match = DEFINITION.exec(line);
    const name = match?.[1] ?? match?.[8];
    if (!match || name === undefined) throw new NotReadable(AMBIGUOUS);
    const path = `/${plainName(name).replace(/^\//, '')}`;
    if (members.has(path)) throw new NotReadable(AMBIGUOUS);
    members.set(path, memberOf(match, data));
    if (match[1] !== undefined) found += 1;
  }
  if (found !== inodes) throw new NotReadable(AMBIGUOUS);
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
  const members = readPseudoFile(list, sliceOf(all, length + DATA.length), Number(facts.inodes));
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
