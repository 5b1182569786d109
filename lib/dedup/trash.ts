import type { CacheStore } from '../cache/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import {
  PACKS_FOLDER,
  packIndexPath,
  packPath,
  RECIPES_FOLDER,
  recipePath,
  trashedIndexPath,
  trashedPackPath,
  trashedRecipePath,
} from './paths.ts';

/**
 * Makes sure that packs are in their place, and takes those back that a collection of garbage moved aside because nothing referred to
 * them yet.
 *
 * Throws `DEDUP_PACK_LOST` when one is nowhere.
 */
export const restorePacks = async (store: CacheStore, packs: ReadonlySet<string>, log: Log): Promise<void> => {
  if (packs.size === 0) return;
  const present = new Set(await store.list(PACKS_FOLDER));
  for (const id of packs) {
    if (present.has(`${id}.pack`)) continue;
    log.warn(`Pack ${id.slice(0, 12)} was being collected as garbage: taking it back.`);
    await store.rename(trashedIndexPath(id), packIndexPath(id));
    const isBack = await store.rename(trashedPackPath(id), packPath(id));
    if (!isBack && (await store.size(packPath(id))) === undefined) {
      throw slipwayError('DEDUP_PACK_LOST', { pack: id, location: store.location });
    }
  }
};

/**
 * The same for recipes.
 *
 * Throws `DEDUP_RECIPE_LOST` when one is nowhere.
 */
export const restoreRecipes = async (store: CacheStore, recipes: ReadonlySet<string>, log: Log): Promise<void> => {
  if (recipes.size === 0) return;
  const present = new Set(await store.list(RECIPES_FOLDER));
  for (const id of recipes) {
    if (present.has(`${id}.recipe`)) continue;
    log.warn(`Recipe ${id.slice(0, 12)} was being collected as garbage: taking it back.`);
    const isBack = await store.rename(trashedRecipePath(id), recipePath(id));
    if (!isBack && (await store.size(recipePath(id))) === undefined) {
      throw slipwayError('DEDUP_RECIPE_LOST', { recipe: id, location: store.location });
    }
  }
};
