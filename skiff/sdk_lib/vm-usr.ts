import { createReadStream } from 'node:fs';
import { findExtents, readChunks } from './vm-extents.ts';
import type { Partition } from './vm-gpt.ts';

const mebibyte = 1024 * 1024;

/** Length of a partition's content in bytes: up to its last byte that is not zero, in whole MiB of the disk. */
export async function findUsedBytes(disk: string, { start, length }: Partition): Promise<number> {
  const extents = (await findExtents(disk)).flatMap((extent) => {
    const from = Math.max(extent.start, start);
    const to = Math.min(extent.start + extent.length, start + length);
    return to > from ? [{ start: from, length: to - from }] : [];
  });
  let end = start;
  for await (const { position, bytes } of readChunks(disk, extents, mebibyte)) end = position + bytes.length;
  return Math.min(end - start, length);
}

/** The first bytes of a partition as a stream. */
export function readPartition(disk: string, { start }: Partition, sizeBytes: number): AsyncIterable<Buffer> {
  return createReadStream(disk, { start, end: start + sizeBytes - 1, highWaterMark: mebibyte });
}
