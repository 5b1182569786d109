import { isSlipwayError, type SlipwayError, slipwayError } from '../errors/index.ts';
import { planRanges, type RangePlan } from './block-plan.ts';
import { decodeBlock } from './format/index.ts';
import { createHeldBlocks, type DecodedBlock } from './held-blocks.ts';
import { packPath, trashedPackPath } from './paths.ts';
import type { BlockPlace, DedupParts, FetchedBytes } from './types.ts';

/** Gives out the blocks of a recipe, from this machine where it has them, else from the store, ahead of their use. */
export interface BlockSource {
  /**
   * The block is the caller's until it says that it is done with it.
   *
   * Throws `DEDUP_PACK_LOST`, `DEDUP_DIGEST_MISMATCH`, `DEDUP_FORMAT_INVALID`, and what the store throws.
   */
  get(block: number): Promise<DecodedBlock>;
  /** To be called once for each {@link get}. */
  done(block: DecodedBlock): void;
  /** Starts nothing more, and waits for the requests under way. */
  close(): Promise<void>;
}

const REQUESTS_AT_ONCE = 4;
/** Compressed blocks that wait for their use in memory; what is more waits on the disk, if this machine keeps blocks there. */
const MOST_WAITING_BYTES = 24 * 1024 * 1024;

const isDamage = (error: unknown): error is SlipwayError =>
  isSlipwayError(error, 'DEDUP_DIGEST_MISMATCH') || isSlipwayError(error, 'DEDUP_FORMAT_INVALID');

/** A range of a pack; one that is being collected as garbage is still to be had. */
const readPack = async ({ store }: DedupParts, pack: string, offset: number, length: number): Promise<Buffer> => {
  for (const path of [packPath(pack), trashedPackPath(pack), packPath(pack)]) {
    try {
      return await store.readRange(path, offset, length);
    } catch (error) {
      if (!isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) throw error;
    }
  }
  throw slipwayError('DEDUP_PACK_LOST', { pack, location: store.location });
};

const startsOf = (lengths: readonly number[]): number[] => {
  const starts = [0];
  for (const length of lengths) starts.push((starts.at(-1) ?? 0) + length);
  return starts;
};

/** Fetches planned ranges, a few at once, and as far ahead as there is room for what comes. @param onFetched called when all of them are here */
const createFetcher = (
  parts: DedupParts,
  blocks: readonly BlockPlace[],
  plans: readonly RangePlan[],
  bytes: FetchedBytes,
  onFetched: () => void,
) => {
  const planOf = new Map<number, number>();
  for (const [at, plan] of plans.entries()) for (const block of plan.blocks) planOf.set(block, at);
  const begun = new Map<number, Promise<void>>();
  /** Those that have not ended; their failures are left out. */
  const running = new Set<Promise<void>>();
  const waiting = new Map<number, Buffer>();
  let waitingBytes = 0;
  let started = 0;
  let fetched = 0;
  let inFlightBytes = 0;
  let isClosed = false;
  let canSpill = parts.chunkStore !== undefined;
  if (plans.length === 0) onFetched();

  const fetchOne = async ({ pack, offset, length, blocks: numbers, gapBytes }: RangePlan): Promise<void> => {
    const range = await readPack(parts, pack, offset, length);
    bytes.requests += 1;
    bytes.blockBytes += length - gapBytes;
    bytes.gapBytes += gapBytes;
    for (const number of numbers) {
      const place = blocks[number] as BlockPlace;
      const from = place.offset - offset;
      const record = range.subarray(from, from + place.recordBytes);
      const isKept = await parts.chunkStore?.keepBlock(place, record);
      if (!isKept) canSpill = false;
      if (isKept && waitingBytes > MOST_WAITING_BYTES) continue;
      // A part of the range would keep all of it in memory.
      waiting.set(number, numbers.length > 1 ? Buffer.from(record) : record);
      waitingBytes += record.length;
    }
    fetched += 1;
    if (fetched === plans.length) onFetched();
  };

  const pump = (needed: number): void => {
    while (!isClosed && started < plans.length && running.size < REQUESTS_AT_ONCE) {
      const aheadBytes = inFlightBytes + (canSpill ? 0 : waitingBytes);
      if (started > needed && aheadBytes > MOST_WAITING_BYTES) return;
      const plan = plans[started] as RangePlan;
      const work = fetchOne(plan);
      begun.set(started, work);
      started += 1;
      inFlightBytes += plan.length;
      // A failure is thrown to whoever waits for one of these blocks.
      const ending = work
        .catch(() => {})
        .then(() => {
          running.delete(ending);
          inFlightBytes -= plan.length;
          pump(needed);
        });
      running.add(ending);
    }
  };

  const take = async (block: number): Promise<Buffer | undefined> => {
    const plan = planOf.get(block);
    if (plan === undefined) return undefined;
    pump(plan);
    // Nothing but running requests keeps this one from being begun.
    while (started <= plan && running.size > 0) {
      await Promise.race(running);
      pump(plan);
    }
    if (isClosed) throw new Error('Nobody reads any more.');
    await begun.get(plan);
    const record = waiting.get(block);
    if (!record) return undefined;
    waiting.delete(block);
    waitingBytes -= record.length;
    pump(plan);
    return record;
  };

  const close = async (): Promise<void> => {
    isClosed = true;
    await Promise.all(running);
  };

  return { take, close };
};

/**
 * Makes a source.
 *
 * @param blocks of the recipe
 * @param order numbers of the blocks in the order of their use, each as often as it is used
 * @param onFetched called when everything that this machine lacked is here
 */
export const createBlockSource = async (
  parts: DedupParts,
  blocks: readonly BlockPlace[],
  order: readonly number[],
  bytes: FetchedBytes,
  onFetched: () => void,
): Promise<BlockSource> => {
  const { chunkStore, decoder } = parts;
  const here = chunkStore ? await chunkStore.findBlocks(blocks) : new Set<string>();
  const wanted = [...new Set(order)].filter((block) => !here.has(blocks[block]?.id ?? ''));
  const fetched = createFetcher(parts, blocks, planRanges(blocks, wanted), bytes, onFetched);
  const numberOf = new Map(blocks.map(({ id }, at) => [id, at]));
  const usesLeft = new Map<number, number>();
  for (const block of order) usesLeft.set(block, (usesLeft.get(block) ?? 0) + 1);
  const held = createHeldBlocks((block) => decoder?.release(block.raw));

  const decode = async (record: Buffer, { id, pack, offset }: BlockPlace): Promise<DecodedBlock> => {
    const source = `the block at byte ${offset} of ${packPath(pack)}`;
    const bases: DecodedBlock[] = [];
    const baseOf = async (base: string): Promise<Buffer> => {
      const number = numberOf.get(base) ?? -1;
      bases.push(await held.take(number, () => load(number)));
      return (bases.at(-1) as DecodedBlock).raw;
    };
    const block = await decodeBlock(record, baseOf, source, decoder?.inflate).finally(() => bases.forEach(held.give));
    if (block.id !== id) throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: source, expected: id, found: block.id });
    return { raw: block.raw, starts: startsOf(block.lengths) };
  };

  /** What the store damaged is not to be taken for this machine's own damage in the next run. */
  const decodeFetched = async (record: Buffer, place: BlockPlace): Promise<DecodedBlock> => {
    try {
      return await decode(record, place);
    } catch (error) {
      if (isDamage(error)) await chunkStore?.dropBlock(place);
      throw error;
    }
  };

  const readLocal = async (place: BlockPlace): Promise<DecodedBlock | undefined> => {
    const record = await chunkStore?.readBlock(place);
    if (!record) return undefined;
    try {
      const block = await decode(record, place);
      bytes.localBytes += place.recordBytes;
      return block;
    } catch (error) {
      if (!isDamage(error)) throw error;
      parts.log.warn(`A block that this machine kept is damaged: fetching it again. ${error.message}`);
      await chunkStore?.dropBlock(place);
      return undefined;
    }
  };

  const load = async (number: number): Promise<DecodedBlock> => {
    const place = blocks[number];
    if (!place)
      throw slipwayError('DEDUP_FORMAT_INVALID', { source: 'a recipe', offset: 0, problem: 'it names no such block' });
    const record = await fetched.take(number);
    if (record) return decodeFetched(record, place);
    const local = await readLocal(place);
    if (local) return local;
    const again = await readPack(parts, place.pack, place.offset, place.recordBytes);
    bytes.requests += 1;
    bytes.againBytes += again.length;
    await chunkStore?.keepBlock(place, again);
    return decodeFetched(again, place);
  };

  const get = async (number: number): Promise<DecodedBlock> => {
    const block = await held.take(number, () => load(number));
    const left = (usesLeft.get(number) ?? 1) - 1;
    usesLeft.set(number, left);
    if (left <= 0) held.forget(number);
    return block;
  };

  return { get, done: held.give, close: fetched.close };
};
