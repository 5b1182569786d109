import { constants } from 'node:fs';
import { copyFile, type FileHandle, open, rm } from 'node:fs/promises';
import { slipwayError } from '../errors/index.ts';

const CHUNK_BYTES = 1024 * 1024;

/** A hole is at least a block of the file system; larger steps cost fewer calls. */
const BLOCK_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/** A file system that cannot share blocks between files says one of these. */
const NO_CLONE = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EBADF', 'EPERM']);

const tryClone = async (from: string, to: string): Promise<boolean> => {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (!NO_CLONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rm(to, { force: true });
    return false;
  }
};

/** A write may take less than it is given, on a disk that is nearly full. */
const writeAll = async (target: FileHandle, data: Buffer, position: number): Promise<void> => {
  for (let done = 0; done < data.length; ) {
    done += (await target.write(data, done, data.length - done, position + done)).bytesWritten;
  }
};

const writeData = async (target: FileHandle, chunk: Buffer, position: number): Promise<void> => {
  if (chunk.equals(ZEROS.subarray(0, chunk.length))) return;
  for (let start = 0; start < chunk.length; ) {
    let end = start;
    // Adjacent blocks with data go out in one write.
    for (; end < chunk.length; end += BLOCK_BYTES) {
      const block = chunk.subarray(end, end + BLOCK_BYTES);
      if (block.equals(ZEROS.subarray(0, block.length))) break;
    }
    const data = chunk.subarray(start, end);
    await writeAll(target, data, position + start);
    start = end + BLOCK_BYTES;
  }
};

const copyBytes = async (source: FileHandle, target: FileHandle, options: CopyOptions): Promise<number> => {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let position = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return position;
    await writeData(target, buffer.subarray(0, bytesRead), position);
    position += bytesRead;
    options.onBytes?.(bytesRead);
  }
};

/** How to copy. */
export interface CopyOptions {
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Copies a file to a new name: shares its blocks where the file system can, else copies the bytes and leaves holes where the
 * source has nothing but zeros (disk images are mostly that).
 *
 * @param from absolute path
 * @param to absolute path; must not be there; removed when the copy fails
 * @returns size in bytes
 * Throws `ARTIFACT_FILE_INVALID` when the source changes meanwhile, and what the file system throws.
 */
export const copySparse = async (from: string, to: string, options: CopyOptions = {}): Promise<number> => {
  const source = await open(from, 'r');
  try {
    const before = await source.stat({ bigint: true });
    if (await tryClone(from, to)) {
      options.onBytes?.(Number(before.size));
    } else {
      const target = await open(to, 'wx');
      try {
        await target.truncate(await copyBytes(source, target, options));
      } finally {
        await target.close();
      }
    }
    const after = await source.stat({ bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) {
      throw slipwayError('ARTIFACT_FILE_INVALID', { file: from, reason: 'it was changed while it was copied' });
    }
    return Number(after.size);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    await source.close();
  }
};
