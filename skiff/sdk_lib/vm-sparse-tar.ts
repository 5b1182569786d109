import { open } from 'node:fs/promises';
import { type Chunk, type Extent, readChunks } from './vm-extents.ts';

// Layout of a member with holes in the old GNU format (GNU tar manual, "Basic Tar Format", struct oldgnu_header).
const blockBytes = 512;
const chunkBytes = 65536;
const inHeader = { count: 4, at: 386, extendedAt: 482 };
const inExtension = { count: 21, at: 0, extendedAt: 504 };
const entryBytes = 24;
const octalLimit = 8 ** 11;

/** A file with holes that becomes the only member of a tar. Sizes in bytes, `epoch` in seconds since 1970. */
export interface SparseMember {
  readonly file: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  readonly epoch: number;
}

/**
 * Write a tar in old GNU format with one sparse member. GNU tar can do that too, but either asks the file system for
 * holes, and then two copies of one disk make two archives, or looks at every byte of every hole, which takes much longer.
 */
export async function writeSparseTar(member: SparseMember, target: string): Promise<void> {
  const map = await readMap(member);
  const handle = await open(target, 'wx');
  try {
    await handle.write(buildSparseHeaders(member, map));
    for await (const { bytes } of chunksOf(member)) await handle.write(bytes);
    // Two empty blocks end the archive; chunks are whole blocks already.
    await handle.write(Buffer.alloc(2 * blockBytes));
  } finally {
    await handle.close();
  }
}

/** Header block and, when there are more than four pieces of data, extension blocks with the rest of the map. */
export function buildSparseHeaders(
  member: Pick<SparseMember, 'name' | 'sizeBytes' | 'epoch'>,
  data: readonly Extent[],
): Buffer {
  // An empty piece at the end says how long the file is when it ends with a hole.
  const map = [...data, { start: member.sizeBytes, length: 0 }];
  const header = Buffer.alloc(blockBytes);
  header.write(member.name, 0, 100, 'utf8');
  putNumber(header, 0o644, 100, 8);
  putNumber(header, 0, 108, 8);
  putNumber(header, 0, 116, 8);
  putNumber(
    header,
    data.reduce((sum, { length }) => sum + length, 0),
    124,
    12,
  );
  putNumber(header, member.epoch, 136, 12);
  header.write('S', 156, 'latin1');
  header.write('ustar  \0root', 257, 'latin1');
  header.write('root', 297, 'latin1');
  putNumber(header, member.sizeBytes, 483, 12);
  const blocks = [header];
  let rest = putMap(header, map, inHeader);
  while (rest.length > 0) {
    const extension = Buffer.alloc(blockBytes);
    rest = putMap(extension, rest, inExtension);
    blocks.push(extension);
  }
  putChecksum(header);
  return Buffer.concat(blocks);
}

const chunksOf = ({ file, extents }: SparseMember): AsyncGenerator<Chunk> => readChunks(file, extents, chunkBytes);

/** Neighbouring chunks become one piece. */
async function readMap(member: SparseMember): Promise<Extent[]> {
  const map: { start: number; length: number }[] = [];
  for await (const { position, bytes } of chunksOf(member)) {
    const last = map.at(-1);
    if (last && last.start + last.length === position) last.length += bytes.length;
    else map.push({ start: position, length: bytes.length });
  }
  return map;
}

/** Put as many pieces as fit in, set the flag when others follow; returns those. */
function putMap(block: Buffer, map: readonly Extent[], place: typeof inHeader): readonly Extent[] {
  for (const [index, { start, length }] of map.slice(0, place.count).entries()) {
    putNumber(block, start, place.at + index * entryBytes, 12);
    putNumber(block, length, place.at + index * entryBytes + 12, 12);
  }
  const rest = map.slice(place.count);
  block[place.extendedAt] = rest.length > 0 ? 1 : 0;
  return rest;
}

/** Octal digits and a zero byte; larger numbers are binary with the top bit set, as GNU tar writes them. */
function putNumber(block: Buffer, value: number, at: number, width: number): void {
  if (value < octalLimit) {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
    return;
  }
  block.writeBigUInt64BE(BigInt(value), at + width - 8);
  block[at] = 0x80;
}

/** Sum of all bytes, the checksum's own taken as spaces: six octal digits, a zero byte, a space. */
function putChecksum(header: Buffer): void {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
