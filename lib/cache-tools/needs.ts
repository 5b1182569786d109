import { slipwayError } from '../errors/index.ts';
import type { StoredManifest } from './manifests.ts';
import type { CacheTools } from './types.ts';
import { walkRecipes } from './walk-recipes.ts';

/** What images need. */
export interface Needs {
  /** Names of packs, their indexes and recipes: `ID.pack`, `ID.idx`, `ID.recipe`. */
  readonly names: ReadonlySet<string>;
  /** Packs that each recipe names, by the recipe's ID. */
  readonly packsOf: ReadonlyMap<string, readonly string[]>;
}

/** Finds out what images need; a recipe is read once, however often it is asked. */
export interface NeedsReader {
  /** Throws `CACHE_RECIPES_UNREADABLE`. */
  of(images: readonly StoredManifest[]): Promise<Needs>;
}

/** The names of a pack and its index. */
export const packNames = (id: string): string[] => [`${id}.pack`, `${id}.idx`];

/** Opens a reader that remembers what recipes said. */
export const createNeedsReader = (tools: CacheTools): NeedsReader => {
  const packsOf = new Map<string, readonly string[]>();
  return {
    async of(images) {
      const chains = images.flatMap(({ manifest }) => manifest.layers.map(({ recipes }) => recipes));
      const faults = new Map<string, string>();
      await walkRecipes(
        tools,
        chains.filter((chain) => chain.some((id) => !packsOf.has(id))),
        {
          onRecipe: (id, { packs }) => packsOf.set(id, packs),
          onFault: (id, { message }) => faults.set(id, message),
        },
      );
      if (faults.size > 0) {
        const { location } = tools.store;
        const isHit = ({ manifest }: StoredManifest): boolean =>
          manifest.layers.some(({ recipes }) => recipes.some((id) => faults.has(id)));
        const hit = `Images that need them: ${images
          .filter(isHit)
          .map(({ reference }) => reference)
          .join(', ')}`;
        throw slipwayError('CACHE_RECIPES_UNREADABLE', { location, faults: [...new Set(faults.values()), hit] });
      }
      const names = new Set<string>();
      for (const id of chains.flat()) names.add(`${id}.recipe`);
      // Of recipes that others only build on, the text is needed and their blocks are not.
      for (const [own = ''] of chains) {
        for (const pack of packsOf.get(own) ?? []) for (const name of packNames(pack)) names.add(name);
      }
      return { names, packsOf };
    },
  };
};
