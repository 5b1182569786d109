import { open } from 'node:fs/promises';
import { sh } from './vm-shell.ts';

/** A range of a disk that may hold data; everything outside of the ranges reads as zeros. Bytes. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

/** One piece of data, at most `chunkBytes` long. */
export interface Chunk {
  readonly position: number;
  readonly bytes: Buffer;
}

/** Ask the file system, through qemu-img, where a sparse raw file has data, so that holes are never read. */
export async function findExtents(file: string): Promise<Extent[]> {
  const { stdout } = await sh`qemu-img map --output=json -f raw ${file}`;
  const map: { start: number; length: number; data: boolean; zero: boolean }[] = JSON.parse(stdout);
  return map.filter(({ data, zero }) => data && !zero).map(({ start, length }) => ({ start, length }));
}

/**
 * Read the chunks of a file that intersect the extents and are not all zeros, in order. Chunks start at multiples of
 * `chunkBytes`, so what comes out depends on the content of the file, not on how sparse this copy happens to be.
 */
export async function* readChunks(file: string, extents: readonly Extent[], chunkBytes: number): AsyncGenerator<Chunk> {
  const handle = await open(file, 'r');
  try {
    let next = 0;
    for (const { start, length } of extents) {
      const first = Math.max(next, Math.floor(start / chunkBytes) * chunkBytes);
      for (next = first; next < start + length; next += chunkBytes) {
        const bytes = Buffer.allocUnsafe(chunkBytes);
        const { bytesRead } = await handle.read(bytes, 0, chunkBytes, next);
        const read = bytes.subarray(0, bytesRead);
        if (!isZero(read)) yield { position: next, bytes: read };
      }
    }
  } finally {
    await handle.close();
  }
}

/** True when every byte is zero. */
export function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
}
