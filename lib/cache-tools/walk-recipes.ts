import { hash } from 'node:crypto';
import { decodeRecipe, type Recipe, readRecipeHead, recipePath, TRASH_FOLDER, unpackRecipe } from '../dedup/index.ts';
import { SlipwayError, slipwayError } from '../errors/index.ts';
import type { CacheTools } from './types.ts';

/** 200,000 files take about 100 MB. */
const MOST_RECIPE_BYTES = 512 * 1024 * 1024;

/** What hears of the recipes. */
export interface RecipeVisitor {
  onRecipe(id: string, recipe: Recipe, storedBytes: number): void;
  onFault(id: string, error: SlipwayError): void;
}

const readStored = async ({ store }: CacheTools, id: string): Promise<Buffer> => {
  const places = [recipePath(id), `${TRASH_FOLDER}/${id}.recipe`, recipePath(id)];
  for (const path of places) {
    const stored = await store.readBytes(path, MOST_RECIPE_BYTES);
    if (!stored) continue;
    const found = hash('sha256', stored, 'hex');
    if (found !== id) throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: path, expected: id, found });
    return stored;
  }
  throw slipwayError('CACHE_ARTIFACT_MISSING', { path: recipePath(id), location: store.location });
};

interface Opened {
  readonly id: string;
  /** Undefined: it could not be read. */
  readonly raw: Buffer | undefined;
  readonly recipe?: Recipe;
  readonly fault?: SlipwayError;
}

const open = async (
  tools: CacheTools,
  id: string,
  base: Opened | undefined,
): Promise<Opened & { storedBytes: number }> => {
  if (base?.fault) return { id, raw: undefined, fault: base.fault, storedBytes: 0 };
  try {
    const stored = await readStored(tools, id);
    const head = readRecipeHead(stored, recipePath(id));
    if (head.base !== base?.id) {
      const problem = `it builds on ${head.base ?? 'nothing'}, and the manifest says ${base?.id ?? 'nothing'}`;
      throw slipwayError('DEDUP_FORMAT_INVALID', { source: recipePath(id), offset: 0, problem });
    }
    const raw = await unpackRecipe(stored, base?.raw, recipePath(id));
    return { id, raw, recipe: decodeRecipe(raw, recipePath(id)), storedBytes: stored.length };
  } catch (error) {
    const isDamage =
      error instanceof SlipwayError && (error.kind === 'unverified' || error.code === 'CACHE_ARTIFACT_MISSING');
    if (!isDamage) throw error;
    return { id, raw: undefined, fault: error, storedBytes: 0 };
  }
};

/**
 * Reads recipes with all that they build on, each once: chains that have their beginnings in common come after each other, and only one
 * chain at a time is in memory.
 *
 * @param chains as manifests list them: a recipe, its base, the base of that, and so on
 */
export const walkRecipes = async (
  tools: CacheTools,
  chains: Iterable<readonly string[]>,
  visitor: RecipeVisitor,
): Promise<void> => {
  const sorted = [...new Set([...chains].map((chain) => chain.toReversed().join(' ')))].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const told = new Set<string>();
  let stack: Opened[] = [];
  for (const chain of sorted) {
    tools.signal?.throwIfAborted();
    const ids = chain.split(' ');
    const common = ids.findIndex((id, at) => stack[at]?.id !== id);
    stack = stack.slice(0, common === -1 ? ids.length : common);
    for (const id of ids.slice(stack.length)) {
      const { storedBytes, ...opened } = await open(tools, id, stack.at(-1));
      stack.push(opened);
      if (told.has(id)) continue;
      told.add(id);
      const { fault, recipe } = opened;
      if (recipe) visitor.onRecipe(id, recipe, storedBytes);
      else if (fault) visitor.onFault(id, fault);
    }
  }
};
