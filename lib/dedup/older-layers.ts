import { isSlipwayError } from '../errors/index.ts';
import { type LoadedRecipe, loadRecipe } from './recipes.ts';
import type { DedupParts, LayerPointer } from './types.ts';

/** A layer of the last image, as the store has it. */
export interface OlderLayer extends LoadedRecipe {
  readonly id: string;
  readonly chain: readonly string[];
}

/** An older recipe is only a hint: without it more is stored. */
const HINTS_LOST = ['CACHE_ARTIFACT_MISSING', 'DEDUP_DIGEST_MISMATCH', 'DEDUP_FORMAT_INVALID'] as const;

/**
 * Reads layers of the last image, each once.
 *
 * @param name of the image, for warnings
 * @param pointers what the store knows, by diff ID
 */
export const createOlderLayers = (
  parts: DedupParts,
  name: string,
  pointers: ReadonlyMap<string, LayerPointer>,
): ((diffId: string) => Promise<OlderLayer | undefined>) => {
  const loaded = new Map<string, Promise<OlderLayer | undefined>>();

  const load = async (diffId: string): Promise<OlderLayer | undefined> => {
    const chain = pointers.get(diffId)?.recipes;
    if (!chain) return undefined;
    try {
      return { ...(await loadRecipe(parts, chain)), id: chain[0] as string, chain };
    } catch (error) {
      if (!HINTS_LOST.some((code) => isSlipwayError(error, code))) throw error;
      parts.log.warn(`${(error as Error).message} ${name} is stored without building on it.`);
      return undefined;
    }
  };

  return (diffId) => {
    const loading = loaded.get(diffId) ?? load(diffId);
    loaded.set(diffId, loading);
    return loading;
  };
};
