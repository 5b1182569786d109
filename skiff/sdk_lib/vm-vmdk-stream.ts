import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { Chunk } from './vm-extents.ts';
import {
  buildDescriptor,
  buildGrain,
  buildHeader,
  buildMarker,
  buildTable,
  grainBytes,
  grainsPerTable,
  marker,
  overheadSectors,
  roundUp,
  sectorBytes,
} from './vm-vmdk-layout.ts';

const deflateGrain = promisify(deflate) as (bytes: Buffer, options: { level: number }) => Promise<Buffer>;
// Grains compressed ahead of the writer: enough to keep every thread of the pool busy, 4 MiB of memory.
const lookAhead = 64;
// The disk is mostly a compressed file system: more effort gains under 1 % and costs twice the time.
const level = 1;
const tableBytes = grainBytes * grainsPerTable;

export interface StreamVmdk {
  readonly target: string;
  /** Virtual size in bytes, a multiple of 64 KiB. */
  readonly capacityBytes: number;
  /** Non-zero pieces of 64 KiB, in order. */
  readonly grains: AsyncIterable<Chunk>;
  readonly cid: number;
  /** File name for the descriptor. */
  readonly name: string;
  readonly adapter: string;
}

/**
 * Write a stream-optimised VMDK front to back. qemu-img can do that too, but compresses on one thread, puts a random
 * content id in, and leaves out the markers and the footer that a streaming importer looks for.
 * @returns size in bytes and sha256 (64 hex) of the file, which an OVF manifest needs
 */
export async function writeStreamVmdk(disk: StreamVmdk): Promise<{ sizeBytes: number; sha256: string }> {
  const handle = await open(disk.target, 'wx');
  const hash = createHash('sha256');
  let sector = 0;
  const put = async (block: Buffer): Promise<number> => {
    const at = sector;
    hash.update(block);
    await handle.write(block);
    sector += block.length / sectorBytes;
    return at;
  };
  try {
    await put(buildPreamble(disk));
    const directory = await putGrains(disk, put);
    await putTail(disk.capacityBytes, directory, put);
  } finally {
    await handle.close();
  }
  return { sizeBytes: sector * sectorBytes, sha256: hash.digest('hex') };
}

type Put = (block: Buffer) => Promise<number>;

function buildPreamble({ capacityBytes, cid, name, adapter }: StreamVmdk): Buffer {
  const block = Buffer.alloc(overheadSectors * sectorBytes);
  buildHeader(capacityBytes).copy(block);
  buildDescriptor(capacityBytes, cid, name, adapter).copy(block, sectorBytes);
  return block;
}

/** Grains, each group of 32 MiB closed by its grain table. Returns the directory: one sector number per table. */
async function putGrains(disk: StreamVmdk, put: Put): Promise<number[]> {
  const directory = new Array<number>(Math.ceil(disk.capacityBytes / tableBytes)).fill(0);
  let table = new Array<number>(grainsPerTable).fill(0);
  let current = -1;
  const closeTable = async () => {
    if (current < 0) return;
    await put(buildMarker(marker.grainTable, (grainsPerTable * 4) / sectorBytes));
    directory[current] = await put(buildTable(table));
    table = new Array<number>(grainsPerTable).fill(0);
  };
  for await (const { position, deflated } of compressAhead(disk.grains)) {
    const index = Math.floor(position / tableBytes);
    if (index !== current) {
      await closeTable();
      current = index;
    }
    table[(position % tableBytes) / grainBytes] = await put(buildGrain(position, deflated));
  }
  await closeTable();
  return directory;
}

async function putTail(capacityBytes: number, directory: readonly number[], put: Put): Promise<void> {
  const block = buildTable(directory);
  await put(buildMarker(marker.grainDirectory, block.length / sectorBytes));
  const at = await put(block);
  await put(buildMarker(marker.footer, 1));
  await put(buildHeader(capacityBytes, BigInt(at)));
  await put(buildMarker(marker.endOfStream, 0));
}

async function* compressAhead(grains: AsyncIterable<Chunk>): AsyncGenerator<{ position: number; deflated: Buffer }> {
  let waiting: Promise<{ position: number; deflated: Buffer }>[] = [];
  for await (const { position, bytes } of grains) {
    waiting.push(compressGrain(position, bytes));
    if (waiting.length < lookAhead) continue;
    // Only the older half: the younger one keeps the threads busy meanwhile.
    const ready = waiting.slice(0, lookAhead / 2);
    waiting = waiting.slice(lookAhead / 2);
    for (const grain of ready) yield await grain;
  }
  for (const grain of waiting) yield await grain;
}

async function compressGrain(position: number, bytes: Buffer): Promise<{ position: number; deflated: Buffer }> {
  const whole =
    bytes.length === grainBytes
      ? bytes
      : Buffer.concat([bytes, Buffer.alloc(roundUp(bytes.length, grainBytes) - bytes.length)]);
  return { position, deflated: await deflateGrain(whole, { level }) };
}
