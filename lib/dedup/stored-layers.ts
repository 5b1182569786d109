import { isSlipwayError } from '../errors/index.ts';
import type { Recipe } from './format/index.ts';
import { PACKS_FOLDER, RECIPES_FOLDER, TRASH_FOLDER } from './paths.ts';
import { loadRecipe } from './recipes.ts';
import type { DedupParts, LayerPointer } from './types.ts';

/** What a recipe that was lost or damaged is met with; another trouble is no reason to send anything again. */
const LOST = ['CACHE_ARTIFACT_MISSING', 'DEDUP_DIGEST_MISMATCH', 'DEDUP_FORMAT_INVALID'] as const;

/** What is in the store, or can be taken back. */
const listPresent = async ({ store }: DedupParts): Promise<ReadonlySet<string>> => {
  const folders = [PACKS_FOLDER, RECIPES_FOLDER, TRASH_FOLDER];
  return new Set((await Promise.all(folders.map((folder) => store.list(folder)))).flat());
};

/** Looks whether pointers tell the truth. */
export interface StoredLayers {
  /** Whether a pack is in the store. */
  hasPack(id: string): boolean;
  /**
   * The pointer of a layer, with the packs that its recipe names, and the IDs of its blocks; undefined when the recipe is not the layer's, or
   * something is lost: the layer is stored anew then.
   */
  check(
    pointer: LayerPointer,
  ): Promise<{ readonly pointer: LayerPointer; readonly blocks: readonly string[] } | undefined>;
}

/** Looks at what the store has. */
export const openStoredLayers = async (parts: DedupParts): Promise<StoredLayers> => {
  const present = await listPresent(parts);
  const hasPack = (id: string): boolean => present.has(`${id}.pack`);

  const findProblem = async ({ diffId, sizeBytes, recipes }: LayerPointer): Promise<Recipe | string> => {
    const lost = recipes.find((id) => !present.has(`${id}.recipe`));
    if (lost) return `the recipe ${lost} is lost`;
    const { recipe } = await loadRecipe(parts, recipes);
    if (recipe.diffId !== diffId || recipe.sizeBytes !== sizeBytes) return `it leads to the layer ${recipe.diffId}`;
    const lostPack = recipe.packs.find((id) => !hasPack(id));
    return lostPack ? `the pack ${lostPack} is lost` : recipe;
  };

  return {
    hasPack,
    async check(pointer) {
      const again = (problem: string): void =>
        parts.log.warn(
          `The pointer of the layer ${pointer.diffId} is of no use: ${problem}. The layer is stored again.`,
        );
      try {
        const found = await findProblem(pointer);
        if (typeof found === 'string') again(found);
        else return { pointer: { ...pointer, packs: found.packs }, blocks: found.blocks.map(({ id }) => id) };
      } catch (error) {
        if (!LOST.some((code) => isSlipwayError(error, code))) throw error;
        again((error as Error).message);
      }
      return undefined;
    },
  };
};
