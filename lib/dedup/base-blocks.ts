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

/** Blocks of the store that new ones are made from. */
export interface BaseBlocks {
  /** @param ids blocks that are alike, the best first */
  find(ids: readonly string[]): Promise<Bases>;
  /** Nothing is stored as a difference to these from here on. */
  retire(slots: Iterable<BlockSlot>): void;
  /** The bytes of a block; undefined when they are not to be had. */
  read(slot: BlockSlot): Promise<Buffer | undefined>;
}

/** More of them make a reader fetch more than they save. */
export const MOST_BASES = 3;
/** Blocks that were decompressed for one block serve the next one too. */
const MOST_KEPT = 4;

/** Reads blocks that are here: a difference is not worth a download. */
export const createBaseBlocks = ({ store, chunkStore }: DedupParts, known: KnownChunks): BaseBlocks => {
  const kept = new Map<string, Promise<Buffer | undefined>>();
  const retired = new Set<BlockSlot>();

  const fetchRecord = (slot: BlockSlot): Promise<Buffer> =>
    store.readRange(packPath(slot.pack), slot.offset, slot.recordBytes);

  const readRecord = async (slot: BlockSlot): Promise<Buffer | undefined> =>
    chunkStore ? chunkStore.readBlock(slot) : fetchRecord(slot);

  const decode = async (slot: BlockSlot, record: Buffer | undefined): Promise<Buffer | undefined> => {
    const bases = new Map<string, Buffer>();
    for (const base of record ? slot.bases : []) {
      const raw = await rawOf(base);
      if (raw) bases.set(base.id, raw);
    }
    if (!record || bases.size < slot.bases.length) return undefined;
    const block = await decodeBlock(record, async (id) => bases.get(id) as Buffer);
    return block.id === slot.id ? block.raw : undefined;
  };

  const readRaw = async (slot: BlockSlot): Promise<Buffer | undefined> => {
    try {
      return await decode(slot, await readRecord(slot));
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

  return {
    async find(ids) {
      // A difference to a difference would be a chain: what that one builds on is nearly as good.
      const slots = ids.flatMap((id) => {
        const slot = known.slotOf(id);
        return slot ? (slot.bases.length > 0 ? slot.bases : [slot]) : [];
      });
      const chosen = [...new Set(slots)].filter((slot) => !retired.has(slot)).slice(0, MOST_BASES);
      const raws = await Promise.all(chosen.map(rawOf));
      const found = chosen.flatMap((slot, at) => {
        const raw = raws[at];
        return raw ? [{ slot, block: { id: slot.id, raw } }] : [];
      });
      return { slots: found.map(({ slot }) => slot), blocks: found.map(({ block }) => block) };
    },
    retire(slots) {
      for (const slot of slots) retired.add(slot);
    },
    async read(slot) {
      const raw = await readRaw(slot);
      if (raw || !chunkStore || slot.bases.length > 0) return raw;
      try {
        return await decode(slot, await fetchRecord(slot));
      } catch {
        // Whoever needs it refers to it where it is.
        return undefined;
      }
    },
  };
};
