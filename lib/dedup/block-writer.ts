import { availableParallelism } from 'node:os';
import { type Bases, MOST_BASES } from './base-blocks.ts';
import { type BlockSlot, emptySlot } from './block-slot.ts';
import { encodeBlock } from './format/index.ts';
import { type ChunkPlace, type KnownChunks, MOST_CHUNKS_IN_BLOCK } from './known-chunks.ts';
import type { Likeness } from './likeness.ts';
import type { PackedBlock, PackWriter } from './pack-writer.ts';

/** Large enough that a block compresses nearly as well as a whole archive (64 KiB: 24 % worse, 256 KiB: 9 %), small enough to be fetched alone. */
const BLOCK_RAW_BYTES = 4 * 1024 * 1024;
const MOST_CHUNK_BYTES = 256 * 1024;
const FULL_BLOCK_BYTES = BLOCK_RAW_BYTES + MOST_CHUNK_BYTES;

/** Of zstd: 6 costs about twice the time of 3 and gives 5 % less; the line and the disk are dearer than that. */
const LEVEL = 6;

/** Where the older form of a content stood. */
export interface OlderForm {
  readonly likeness: Likeness;
  /** In the older layer. */
  readonly place: number;
}

/** What a content was a difference to that is stored again. */
export interface FormerBases {
  readonly bases: readonly BlockSlot[];
}

/** Puts new contents into blocks, which are compressed side by side and written in order. */
export interface BlockWriter {
  /** Takes a content that is not known yet, or is stored again; `data` may change after the call. */
  add(key: string, data: Buffer, origin?: OlderForm | FormerBases): ChunkPlace;
  /** Waits while too much is on its way; throws what went wrong there. */
  ready(): Promise<void>;
  /** Ends the block that is being gathered; when all are compressed, their slots say what they are differences to. */
  flush(): Promise<void>;
  /** Everything is written. */
  finish(): Promise<void>;
  /** Nothing is being written any more, whether or not it went well. */
  settle(): Promise<void>;
}

interface OpenBlock {
  readonly slot: BlockSlot;
  readonly raw: Buffer;
  readonly chunks: { key: string; length: number }[];
  used: number;
  /** The lowest and the highest place of older forms. */
  older: { readonly likeness: Likeness; readonly first: number; readonly last: number } | undefined;
  /** By former base, the bytes of contents that were differences to it. */
  readonly former: Map<string, number>;
}

interface RawBlock {
  readonly lengths: readonly number[];
  readonly raw: Buffer;
}

/** Runs what it is given one after the other. */
const createQueue = () => {
  let before: Promise<unknown> = Promise.resolve();
  return <Value>(work: () => Promise<Value>): Promise<Value> => {
    const running = before.then(work);
    before = running.catch(() => {});
    return running;
  };
};

/** Blocks that have contents like those of a block, the best first. */
const alikeOf = ({ older, former }: OpenBlock): string[] => [
  ...[...former].sort((a, b) => b[1] - a[1]).map(([id]) => id),
  ...(older?.likeness.blocksAround(older.first, older.last) ?? []),
];

/** A difference makes a reader need its bases, too; it must be worth that. */
const WORTHWHILE_SHARE = 0.7;

/** Finds what a block may be stored as a difference to, among blocks that are alike. */
export type FindBases = (ids: readonly string[]) => Promise<Bases>;

/** Makes a writer into `packs`; what it takes is added to `known`. */
export const createBlockWriter = (packs: PackWriter, known: KnownChunks, findBases: FindBases): BlockWriter => {
  const mostOnTheWay = Math.min(availableParallelism(), 8) + 1;
  let open: OpenBlock | undefined;
  let onTheWay = 0;
  let tail: Promise<void> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  // Used again and again: left to the collector of garbage they would pile up.
  const spare: Buffer[] = [];
  // Bases and what zstd needs for them take some 50 MB.
  const oneByOne = createQueue();
  let room: Buffer | undefined;

  const asDifference = async (block: RawBlock, ids: readonly string[]) => {
    const bases = await findBases(ids);
    if (bases.slots.length === 0) return undefined;
    room ??= Buffer.allocUnsafeSlow(MOST_BASES * FULL_BLOCK_BYTES);
    return { bases, ...(await encodeBlock({ ...block, bases: bases.blocks }, LEVEL, room)) };
  };

  const compress = async (open: OpenBlock): Promise<PackedBlock> => {
    const { slot, raw, chunks, used } = open;
    const block = { lengths: chunks.map(({ length }) => length), raw: raw.subarray(0, used) };
    const whole = await encodeBlock(block, LEVEL);
    const alike = alikeOf(open);
    const difference = alike.length > 0 ? await oneByOne(() => asDifference(block, alike)) : undefined;
    if (difference && difference.record.length < whole.record.length * WORTHWHILE_SHARE) {
      slot.bases = difference.bases.slots;
      const bases = slot.bases.map((base) => base.id);
      return { slot, id: difference.id, record: difference.record, chunks, bases };
    }
    return { slot, id: whole.id, record: whole.record, chunks, bases: [] };
  };

  const seal = (): void => {
    if (!open) return;
    const block = open;
    open = undefined;
    block.slot.rawBytes = block.used;
    onTheWay += 1;
    const compressing = compress(block);
    // Its failure is seen where it is waited for.
    compressing.catch(() => {});
    const before = tail;
    tail = (async () => {
      await before;
      try {
        if (!failure) await packs.append(await compressing);
      } catch (error) {
        failure ??= { error };
      } finally {
        onTheWay -= 1;
        spare.push(block.raw);
        wake();
      }
    })();
  };

  return {
    add(key, data, origin) {
      if (open && (open.used + data.length > open.raw.length || open.chunks.length === MOST_CHUNKS_IN_BLOCK)) seal();
      open ??= {
        slot: emptySlot(),
        raw: spare.pop() ?? Buffer.allocUnsafe(FULL_BLOCK_BYTES),
        chunks: [],
        used: 0,
        older: undefined,
        former: new Map(),
      };
      const block = open;
      data.copy(block.raw, block.used);
      block.used += data.length;
      if (origin && 'bases' in origin) {
        for (const { id } of origin.bases) block.former.set(id, (block.former.get(id) ?? 0) + data.length);
      } else if (origin && (block.older ?? origin).likeness === origin.likeness) {
        const { likeness, place } = origin;
        const { first, last } = block.older ?? { first: place, last: place };
        block.older = { likeness, first: Math.min(first, place), last: Math.max(last, place) };
      }
      const chunk = block.chunks.push({ key, length: data.length }) - 1;
      known.add(key, block.slot, chunk);
      if (block.used >= BLOCK_RAW_BYTES) seal();
      return { slot: block.slot, chunk };
    },
    async ready() {
      while (onTheWay >= mostOnTheWay && !failure) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure) throw failure.error;
    },
    async flush() {
      seal();
      await tail;
    },
    async finish() {
      seal();
      await tail;
      if (failure) throw failure.error;
      await packs.finish();
    },
    settle: () => tail,
  };
};
