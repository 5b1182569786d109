import { type FileHandle, open } from 'node:fs/promises';

/** An open file of this machine. */
export interface Source {
  /** Absolute path. */
  readonly file: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** A run of bytes of a source; without `offset` it is a hole that reads as zeros. */
export interface Extent {
  readonly offset: number | undefined;
  readonly length: number;
}

/**
 * Bytes that lie in a file of this machine, in one or several runs: a whole file, a partition of a disk, a file of a file system in it, a member of
 * an archive. Nothing is copied to look at them.
 */
export interface Blob {
  readonly source: Source;
  readonly extents: readonly Extent[];
  readonly sizeBytes: number;
}

/** Opens a file to compare what is in it. @param file absolute path */
export const openSource = async (file: string): Promise<Source> => {
  const handle = await open(file, 'r');
  try {
    return { file, handle, sizeBytes: (await handle.stat()).size };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

/** All of a file, as the bytes to compare. */
export const wholeOf = (source: Source): Blob => ({
  source,
  extents: [{ offset: 0, length: source.sizeBytes }],
  sizeBytes: source.sizeBytes,
});

/** A blob of extents. */
export const blobOf = (source: Source, extents: readonly Extent[]): Blob => ({
  source,
  extents,
  sizeBytes: extents.reduce((sum, { length }) => sum + length, 0),
});

/** The part of a blob from `start` on; what is beyond its end is cut off, also when `start` or `length` come from a damaged file. */
export const sliceOf = (blob: Blob, start: number, length = Number.POSITIVE_INFINITY): Blob => {
  const extents: Extent[] = [];
  const from = Math.max(0, start);
  const to = Math.min(blob.sizeBytes, from + Math.max(0, length));
  let at = 0;
  for (const extent of blob.extents) {
    const begin = Math.max(from, at);
    const end = Math.min(to, at + extent.length);
    if (begin < end) {
      const offset = extent.offset === undefined ? undefined : extent.offset + begin - at;
      extents.push({ offset, length: end - begin });
    }
    at += extent.length;
  }
  return blobOf(blob.source, extents);
};

/** So much is read at once. */
export const READ_BYTES = 1024 * 1024;

const readExtent = async ({ source }: Blob, { offset }: Extent, skip: number, buffer: Buffer): Promise<void> => {
  if (offset === undefined) {
    buffer.fill(0);
    return;
  }
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await source.handle.read(buffer, done, buffer.length - done, offset + skip + done);
    // Beyond the end of a file that was cut off: as the hole that a reader would find there.
    if (bytesRead === 0) {
      buffer.fill(0, done);
      return;
    }
    done += bytesRead;
  }
};

/** The bytes from `start` on, at most `length`, less at the end. */
export const readBytes = async (blob: Blob, start: number, length: number): Promise<Buffer> => {
  const part = sliceOf(blob, start, length);
  const bytes = Buffer.allocUnsafeSlow(part.sizeBytes);
  let at = 0;
  for (const extent of part.extents) {
    await readExtent(part, extent, 0, bytes.subarray(at, at + extent.length));
    at += extent.length;
  }
  return bytes;
};

/** All bytes in order, in pieces of {@link READ_BYTES}; each piece is only valid until the next one. */
export async function* streamOf(blob: Blob, pieceBytes = READ_BYTES): AsyncGenerator<Buffer> {
  for (let at = 0; at < blob.sizeBytes; at += pieceBytes) yield await readBytes(blob, at, pieceBytes);
}

/** Where two blobs begin to differ; undefined: they are equal as far as the shorter one goes. */
export const firstDifference = async (a: Blob, b: Blob, signal?: AbortSignal): Promise<number | undefined> => {
  const length = Math.min(a.sizeBytes, b.sizeBytes);
  for (let at = 0; at < length; at += READ_BYTES) {
    signal?.throwIfAborted();
    const size = Math.min(READ_BYTES, length - at);
    const [left, right] = [await readBytes(a, at, size), await readBytes(b, at, size)];
    if (left.equals(right)) continue;
    for (let index = 0; index < size; index += 1) if (left[index] !== right[index]) return at + index;
  }
  return undefined;
};

/** Whether two blobs have the same bytes. */
export const areEqual = async (a: Blob, b: Blob, signal?: AbortSignal): Promise<boolean> =>
  a.sizeBytes === b.sizeBytes && (await firstDifference(a, b, signal)) === undefined;
