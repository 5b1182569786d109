import type { CacheStore } from '../cache/index.ts';
import { slipwayError } from '../errors/index.ts';
import { sha256Of } from './digest.ts';
import { decodeRecipe, type Recipe, readRecipeHead, unpackRecipe } from './format/index.ts';
import { recipePath, trashedRecipePath } from './paths.ts';
import type { DedupParts } from './types.ts';

/** A recipe as it is stored, and what it says. */
export interface LoadedRecipe {
  readonly raw: Buffer;
  readonly recipe: Recipe;
}

/** Longer chains cost a reader more than a new start costs the store. */
export const MOST_RECIPES_IN_CHAIN = 8;

/** 200,000 files take about 100 MB. */
const MOST_RECIPE_BYTES = 512 * 1024 * 1024;

/** A recipe that is being collected as garbage is still to be had; the second look at its place is for one that was just taken back. */
const readFromStore = async (store: CacheStore, id: string): Promise<Buffer | undefined> => {
  for (const path of [recipePath(id), trashedRecipePath(id), recipePath(id)]) {
    const stored = await store.readBytes(path, MOST_RECIPE_BYTES);
    if (stored) return stored;
  }
  return undefined;
};

/** The stored bytes of a recipe, from this machine or from the store; `onBytes` hears of what came from the store. */
const readStored = async (
  { store, chunkStore }: DedupParts,
  id: string,
  onBytes: (bytes: number) => void,
): Promise<Buffer> => {
  const kept = await chunkStore?.readRecipe(id);
  if (kept) return kept;
  const path = recipePath(id);
  let found = '';
  // What came damaged may be whole in the store.
  for (let tries = 1; tries <= 2; tries += 1) {
    const stored = await readFromStore(store, id);
    if (!stored) throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location: store.location });
    onBytes(stored.length);
    found = sha256Of(stored);
    if (found === id) {
      await chunkStore?.keepRecipe(id, stored);
      return stored;
    }
  }
  throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: path, expected: id, found });
};

/**
 * Reads a recipe and those that it is a difference to.
 *
 * @param ids the recipe, its base, the base of that, and so on, as the pointer of a layer lists them
 * Throws `CACHE_ARTIFACT_MISSING`, `DEDUP_DIGEST_MISMATCH`, `DEDUP_FORMAT_INVALID`.
 */
export const loadRecipe = async (
  parts: DedupParts,
  ids: readonly string[],
  onBytes: (bytes: number) => void = () => {},
): Promise<LoadedRecipe> => {
  const stored = await Promise.all(ids.map((id) => readStored(parts, id, onBytes)));
  let raw: Buffer | undefined;
  for (let at = ids.length - 1; at >= 0; at -= 1) {
    const bytes = stored[at] as Buffer;
    const path = recipePath(ids[at] ?? '');
    const { base } = readRecipeHead(bytes, path);
    if (base !== ids[at + 1]) {
      const problem = `it builds on ${base ?? 'nothing'}, and the list says ${ids[at + 1] ?? 'nothing'}`;
      throw slipwayError('DEDUP_FORMAT_INVALID', { source: path, offset: 0, problem });
    }
    raw = await unpackRecipe(bytes, raw, path);
  }
  return { raw: raw as Buffer, recipe: decodeRecipe(raw as Buffer, recipePath(ids[0] ?? '')) };
};
