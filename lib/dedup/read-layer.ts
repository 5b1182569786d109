import { createHash } from 'node:crypto';
import { slipwayError } from '../errors/index.ts';
import { type BlockSource, createBlockSource } from './block-source.ts';
import { joinLayer, type Recipe } from './format/index.ts';
import type { DecodedBlock } from './held-blocks.ts';
import { loadRecipe } from './recipes.ts';
import type { BlockPlace, DedupParts, FetchedBytes } from './types.ts';

/** A layer that the manifest of an image names. */
export interface WantedLayer {
  readonly diffId: string;
  readonly sizeBytes: number;
  readonly recipes: readonly string[];
}

/** So many blocks are decompressed side by side, ahead of their use. */
const DECODED_AHEAD = 3;

/** Nothing fetched yet. */
export const noFetchedBytes = (): FetchedBytes => ({
  layerBytes: 0,
  blockBytes: 0,
  gapBytes: 0,
  indexBytes: 0,
  localBytes: 0,
  againBytes: 0,
  requests: 0,
});

const placesOf = ({ blocks, packs }: Recipe): BlockPlace[] =>
  blocks.map((block) => ({ ...block, pack: packs[block.pack] as string }));

/** The contents of a layer, in order. */
async function* readContent(
  parts: DedupParts,
  recipe: Recipe,
  bytes: FetchedBytes,
  onFetched: () => void,
): AsyncGenerator<Buffer> {
  const order = recipe.runs.map(({ block }) => block);
  const source = await createBlockSource(parts, placesOf(recipe), order, bytes, onFetched);
  try {
    yield* readRuns(parts, recipe, source, order);
  } finally {
    await source.close();
  }
}

/** The contents of the runs, decompressed a little ahead. */
async function* readRuns(
  parts: DedupParts,
  recipe: Recipe,
  source: BlockSource,
  order: readonly number[],
): AsyncGenerator<Buffer> {
  const ahead: Promise<DecodedBlock>[] = [];
  let asked = 0;
  /** Of the runs that were asked for and have not had their turn, how many begin another block than the run before. */
  let blocksAhead = 0;
  const isChange = (run: number): boolean => order[run] !== order[run - 1];
  for (const [at, { block, first, count }] of recipe.runs.entries()) {
    while (asked < order.length && (blocksAhead <= DECODED_AHEAD || !isChange(asked))) {
      const next = source.get(order[asked] as number);
      // Thrown when its turn comes.
      next.catch(() => {});
      ahead.push(next);
      if (isChange(asked)) blocksAhead += 1;
      asked += 1;
    }
    if (isChange(at)) blocksAhead -= 1;
    parts.signal?.throwIfAborted();
    const decoded = await (ahead.shift() as Promise<DecodedBlock>);
    const { raw, starts } = decoded;
    const [from, to] = [starts[first], starts[first + count]];
    if (from === undefined || to === undefined) {
      const problem = `block ${block} has no chunks ${first} to ${first + count - 1}`;
      throw slipwayError('DEDUP_FORMAT_INVALID', { source: 'a recipe', offset: 0, problem });
    }
    yield raw.subarray(from, to);
    source.done(decoded);
  }
}

/**
 * Rebuilds a layer. The blocks are verified; that they are the right ones only the digest of the whole can say, and the caller looks at that.
 *
 * @param parts with a decoder: the memory is used again, and each piece is good until the next is asked for
 * @param bytes where what was moved is counted
 * @param onFetched called when everything that this machine lacked for it is here; not when that fails
 */
export async function* rebuildLayer(
  parts: DedupParts,
  layer: WantedLayer,
  bytes: FetchedBytes,
  onFetched: () => void = () => {},
): AsyncGenerator<Buffer> {
  const { diffId, sizeBytes } = layer;
  const { recipe } = await loadRecipe(parts, layer.recipes, (count) => {
    bytes.indexBytes += count;
    bytes.requests += 1;
  });
  if (recipe.diffId !== diffId || recipe.sizeBytes !== sizeBytes) {
    throw slipwayError('DEDUP_DIGEST_MISMATCH', {
      what: 'the recipe of a layer',
      expected: diffId,
      found: recipe.diffId,
    });
  }
  const content = readContent(parts, recipe, bytes, onFetched);
  for await (const part of joinLayer(recipe.shape, sizeBytes, content, undefined, parts.decoder !== undefined)) {
    bytes.layerBytes += part.length;
    yield part;
  }
}

/** {@link rebuildLayer} that throws `DEDUP_DIGEST_MISMATCH` at the end when the bytes were not those of the diff ID. */
export async function* readLayer(parts: DedupParts, layer: WantedLayer, bytes: FetchedBytes): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const part of rebuildLayer(parts, layer, bytes)) {
    hash.update(part);
    yield part;
  }
  const found = hash.digest('hex');
  if (found === layer.diffId) return;
  throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: 'a rebuilt layer', expected: layer.diffId, found });
}
