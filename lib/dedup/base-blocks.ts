import type { BlockSlot } from './block-slot.ts';
import { type BaseBlock, decodeBlock } from './format/index.ts';
import type { KnownChunks } from './known-chunks.ts';
import { packPath } from './paths.ts';
import type { DedupParts } from './types.ts';

/** What a new block may be stored as a difference to. */
export interface Bases {
  readonly slots: readonly BlockSlot[];
  readonly blocks: readonly BaseBlock[];
}

/** More of them make a reader fetch more than they save. */
export const MOST_BASES = 3;
/** Blocks that were decompressed for one block serve the next one too. */
const MOST_KEPT = 4;

/** Reads blocks that are here; a difference is not worth a download. */
export const createBaseBlocks = ({ store, chunkStore }: DedupParts, known: KnownChunks) => {
  const kept = new Map<string, Promise<Buffer | undefined>>();

  const readRecord = (slot: BlockSlot): Promise<Buffer | undefined> =>
    chunkStore ? chunkStore.readBlock(slot) : store.readRange(packPath(slot.pack), slot.offset, slot.recordBytes);

  const readRaw = async (slot: BlockSlot): Promise<Buffer | undefined> => {
    try {
      const record = await readRecord(slot);
      return record && (await decodeBlock(record)).raw;
    } catch {
      // Without it the block is stored whole.
      return undefined;
    }
  };

  const rawOf = (slot: BlockSlot): Promise<Buffer | undefined> => {
    const reading = kept.get(slot.id) ?? readRaw(slot);
    kept.delete(slot.id);
    kept.set(slot.id, reading);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return reading;
  };

  /** @param ids blocks that are alike, the best first */
  return async (ids: readonly string[]): Promise<Bases> => {
    // A difference to a difference would be a chain: what that one builds on is nearly as good.
    const slots = ids.flatMap((id) => {
      const slot = known.slotOf(id);
      return slot ? (slot.bases.length > 0 ? slot.bases : [slot]) : [];
    });
    const chosen = [...new Set(slots)].slice(0, MOST_BASES);
    const raws = await Promise.all(chosen.map(rawOf));
    const found = chosen.flatMap((slot, at) => {
      const raw = raws[at];
      return raw ? [{ slot, block: { id: slot.id, raw } }] : [];
    });
    return { slots: found.map(({ slot }) => slot), blocks: found.map(({ block }) => block) };
  };
};
