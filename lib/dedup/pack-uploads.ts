import { rm } from 'node:fs/promises';
import type { Upload } from '../cache/index.ts';
import type { FinishedPack } from './pack-writer.ts';
import { packIndexPath, packPath } from './paths.ts';
import type { DedupParts, PublishedBytes } from './types.ts';

/** Sends packs while the next ones are made. */
export interface PackUploads {
  /** Waits until there is room in the queue; throws what went wrong with an earlier pack. */
  push(pack: FinishedPack): Promise<void>;
  /** All packs are in the store. */
  finish(): Promise<void>;
  /** Nothing is being sent any more, whether or not it went well. */
  settle(): Promise<void>;
}

/** Packs that wait on this machine's disk. */
const MOST_WAITING = 2;

const send = async (parts: DedupParts, pack: FinishedPack, bytes: PublishedBytes): Promise<void> => {
  const { store, chunkStore } = parts;
  const uploads: Upload[] = [];
  // A pack's name is its digest: one that has the name and the size is there. Its index may be missing still.
  if ((await store.size(packPath(pack.id))) === pack.sizeBytes) bytes.resumedBytes += pack.sizeBytes;
  else uploads.push({ file: pack.file, path: packPath(pack.id), sha256: pack.id });
  // Who looks for packs finds them by their indexes, so this one comes last.
  if (uploads.length > 0 || (await store.size(packIndexPath(pack.id))) !== pack.indexBytes)
    uploads.push({ file: pack.indexFile, path: packIndexPath(pack.id) });
  if (uploads.length > 0) {
    await store.publish(uploads);
    bytes.packBytes += uploads.length === 2 ? pack.sizeBytes : 0;
    bytes.indexBytes += pack.indexBytes;
  }
  if (chunkStore) await chunkStore.adoptPack(pack.id, pack.file, pack.indexFile);
  else await Promise.all([rm(pack.file), rm(pack.indexFile)]);
};

/** Makes the queue; what it sends is counted in `bytes`. */
export const createPackUploads = (parts: DedupParts, bytes: PublishedBytes): PackUploads => {
  let waiting = 0;
  let failure: { readonly error: unknown } | undefined;
  let tail: Promise<void> = Promise.resolve();
  let wake = (): void => {};
  return {
    async push(pack) {
      while (waiting >= MOST_WAITING && !failure) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure) throw failure.error;
      waiting += 1;
      const before = tail;
      tail = (async () => {
        await before;
        try {
          if (!failure) await send(parts, pack, bytes);
        } catch (error) {
          failure ??= { error };
        } finally {
          waiting -= 1;
          wake();
        }
      })();
    },
    async finish() {
      await tail;
      if (failure) throw failure.error;
    },
    settle: () => tail,
  };
};
