import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockSlot } from './block-slot.ts';
import { encodePackIndex, PACK_MAGIC, type PackIndex } from './format/index.ts';
import { appendToSpool, writeToSpool } from './spool.ts';

/** A pack on this machine's disk, complete. */
export interface FinishedPack {
  readonly id: string;
  readonly sizeBytes: number;
  readonly file: string;
  readonly indexFile: string;
  readonly indexBytes: number;
}

/** A compressed block with what its pack's index says of it. */
export interface PackedBlock {
  readonly slot: BlockSlot;
  readonly id: string;
  readonly record: Buffer;
  readonly chunks: PackIndex['blocks'][number]['chunks'];
  readonly bases: readonly string[];
}

/** Few files of a size that is quick to send again: what a cut line costs at most. */
const PACK_BYTES = 64 * 1024 * 1024;

interface OpenPack {
  readonly file: string;
  readonly hash: ReturnType<typeof createHash>;
  readonly blocks: PackIndex['blocks'][number][];
  readonly slots: BlockSlot[];
  sizeBytes: number;
}

/** Writes blocks into packs, in the order of the calls; not to be called again before a call has ended. */
export interface PackWriter {
  append(block: PackedBlock): Promise<void>;
  /** Completes the last pack. */
  finish(): Promise<void>;
}

/**
 * Makes a writer.
 *
 * @param folder absolute path where the packs are gathered
 * @param onPack called with each complete pack
 */
export const createPackWriter = (folder: string, onPack: (pack: FinishedPack) => Promise<void>): PackWriter => {
  let current: OpenPack | undefined;
  let made = 0;

  const start = async (): Promise<OpenPack> => {
    made += 1;
    const file = join(folder, `pack-${made}`);
    await writeToSpool(file, PACK_MAGIC);
    const hash = createHash('sha256').update(PACK_MAGIC);
    return { file, hash, blocks: [], slots: [], sizeBytes: PACK_MAGIC.length };
  };

  const complete = async (pack: OpenPack): Promise<void> => {
    current = undefined;
    const id = pack.hash.digest('hex');
    for (const slot of pack.slots) slot.pack = id;
    const index = encodePackIndex({ packId: id, blocks: pack.blocks });
    const file = join(folder, `${id}.pack`);
    const indexFile = join(folder, `${id}.idx`);
    await rename(pack.file, file);
    await writeToSpool(indexFile, index);
    await onPack({ id, sizeBytes: pack.sizeBytes, file, indexFile, indexBytes: index.length });
  };

  return {
    async append({ slot, id, record, chunks, bases }) {
      current ??= await start();
      const pack = current;
      slot.id = id;
      slot.offset = pack.sizeBytes;
      slot.recordBytes = record.length;
      pack.slots.push(slot);
      const { offset, recordBytes, rawBytes } = slot;
      pack.blocks.push({ id, offset, recordBytes, rawBytes, bases: [...bases], chunks });
      pack.hash.update(record);
      // Opened anew each time: who gives up in the middle leaves nothing open.
      await appendToSpool(pack.file, record);
      pack.sizeBytes += record.length;
      if (pack.sizeBytes >= PACK_BYTES) await complete(pack);
    },
    async finish() {
      if (current) await complete(current);
    },
  };
};
