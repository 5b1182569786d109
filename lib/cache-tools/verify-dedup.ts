import {
  decodePackIndex,
  layerPath,
  type PackIndex,
  packIndexPath,
  recipePath,
  type WalkedBlock,
} from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Inventory } from './inventory.ts';
import { homeOf } from './inventory.ts';
import type { ManifestFault, StoredManifest } from './manifests.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import { walkRecipes } from './walk-recipes.ts';

/** Something that is not as it should be. */
export interface Problem {
  readonly path: string;
  readonly problem: string;
  /** Images `NAME:VERSION` and versions that cannot be had because of it. */
  readonly affects: readonly string[];
}

/** An index of a pack is never as large; what is would only fill the memory. */
export const MOST_INDEX_BYTES = 256 * 1024 * 1024;

/** Where a block is said to be. */
interface Place {
  readonly offset: number;
  readonly recordBytes: number;
  readonly rawBytes: number;
}

/** What recipes say: which images need which file, and where the blocks of packs are. */
export interface RecipeFacts {
  readonly neededBy: ReadonlyMap<string, ReadonlySet<string>>;
  /** By pack, then by block. */
  readonly places: ReadonlyMap<string, ReadonlyMap<string, Place>>;
  readonly problems: readonly Problem[];
  /** Packs that the recipe of a layer names, by the recipe's ID. */
  readonly packsOf: ReadonlyMap<string, readonly string[]>;
}

/** Reads the recipes of images with all that they build on. */
export const readRecipeFacts = async (tools: CacheTools, images: readonly StoredManifest[]): Promise<RecipeFacts> => {
  const neededBy = new Map<string, Set<string>>();
  const need = (name: string, images: Iterable<string>): void => {
    const known = neededBy.get(name) ?? new Set();
    for (const image of images) known.add(image);
    neededBy.set(name, known);
  };
  const layerOf = new Map<string, { diffId: string; sizeBytes: number }>();
  const usersOf = new Map<string, string[]>();
  for (const { reference, manifest } of images) {
    for (const { recipes, diffId, sizeBytes } of manifest.layers) {
      const [own] = recipes as [string];
      layerOf.set(own, { diffId, sizeBytes });
      usersOf.set(own, [...(usersOf.get(own) ?? []), reference]);
      for (const id of recipes) need(`${id}.recipe`, [reference]);
    }
  }
  const places = new Map<string, Map<string, Place>>();
  const packsOf = new Map<string, readonly string[]>();
  const problems: Problem[] = [];
  const affectedBy = (id: string): string[] => [...(neededBy.get(`${id}.recipe`) ?? [])];
  await walkRecipes(
    tools,
    images.flatMap(({ manifest }) => manifest.layers.map(({ recipes }) => recipes)),
    {
      onRecipe(id, recipe) {
        const layer = layerOf.get(id);
        if (layer && (layer.diffId !== recipe.diffId || layer.sizeBytes !== recipe.sizeBytes)) {
          problems.push({
            path: recipePath(id),
            problem: 'wrong: it is the recipe of another layer',
            affects: affectedBy(id),
          });
        }
        // Of a recipe that others only build on, the text is needed and its blocks are not.
        if (!layer) return;
        packsOf.set(id, recipe.packs);
        for (const pack of recipe.packs) {
          for (const ending of ['pack', 'idx']) need(`${pack}.${ending}`, usersOf.get(id) ?? []);
        }
        for (const { id: block, pack, offset, recordBytes, rawBytes } of recipe.blocks) {
          const name = recipe.packs[pack] as string;
          const known = places.get(name) ?? new Map<string, Place>();
          known.set(block, { offset, recordBytes, rawBytes });
          places.set(name, known);
        }
      },
      onFault: (id, { message }) =>
        problems.push({ path: recipePath(id), problem: `damaged or missing: ${message}`, affects: affectedBy(id) }),
    },
  );
  return { neededBy, places, problems, packsOf };
};

const samePlace = (a: Place | undefined, b: Place): boolean =>
  a !== undefined && a.offset === b.offset && a.recordBytes === b.recordBytes && a.rawBytes === b.rawBytes;

/** Why recipes and the blocks of a pack do not fit, or undefined. */
export const whyPlacesWrong = (
  blocks: readonly (Place & { id: string })[],
  wanted: ReadonlyMap<string, Place> | undefined,
): string | undefined => {
  const known = new Map(blocks.map((block) => [block.id, block]));
  for (const [id, place] of wanted ?? []) {
    if (!samePlace(known.get(id), place))
      return `a recipe says that the block ${id} is at byte ${place.offset}, and it is not`;
  }
  return undefined;
};

/** Why the index of a pack is not what the pack says, or undefined. */
const whyIndexWrong = (index: PackIndex, pack: string, blocks: readonly WalkedBlock[]): string | undefined => {
  if (index.packId !== pack) return `it is the index of ${index.packId}`;
  const same =
    index.blocks.length === blocks.length &&
    blocks.every((block, at) => {
      const entry = index.blocks[at];
      return entry?.id === block.id && samePlace(entry, block);
    });
  return same ? undefined : 'it does not say what the pack has';
};

/** Checks the index of a pack against the pack. @returns why it is wrong, or undefined */
export const checkIndex = async (
  { store }: CacheTools,
  pack: string,
  blocks: readonly WalkedBlock[],
): Promise<string | undefined> => {
  const path = packIndexPath(pack);
  const bytes = await store.readBytes(path, MOST_INDEX_BYTES);
  if (!bytes) return "missing ('cache repair' rebuilds it)";
  try {
    const why = whyIndexWrong(decodePackIndex(bytes, path), pack, blocks);
    return why && `wrong: ${why} ('cache repair' rebuilds it)`;
  } catch (error) {
    return `damaged: ${(error as Error).message} ('cache repair' rebuilds it)`;
  }
};

/** What images need that is nowhere. */
export const findMissing = (inventory: Inventory, { neededBy }: RecipeFacts): Problem[] =>
  [...neededBy].flatMap(([name, images]) => {
    // What is said of a recipe is said where it is read; an index is checked with its pack.
    if (!name.endsWith('.pack') || inventory.items.has(name) || inventory.trash.has(name)) return [];
    return [{ path: homeOf(name) as string, problem: 'missing', affects: [...images] }];
  });

/** Pointers that lead nowhere: publishers would take a layer for stored that is not. */
export const checkPointers = (inventory: Inventory): Problem[] =>
  inventory.pointers.flatMap(({ diffId, pointer }) => {
    const path = layerPath(diffId);
    if (!pointer) return [{ path, problem: "damaged ('cache repair' writes it anew)", affects: [] }];
    const isThere = (name: string): boolean => inventory.items.has(name) || inventory.trash.has(name);
    const names = [...pointer.recipes.map((id) => `${id}.recipe`), ...pointer.packs.map((id) => `${id}.pack`)];
    const lost = names.filter((name) => !isThere(name));
    return lost.length === 0
      ? []
      : [{ path, problem: `leads to ${lost[0]}, which is missing ('cache repair' deletes it)`, affects: [] }];
  });

/** Manifests that cannot be read. */
export const manifestProblems = (faults: readonly ManifestFault[]): Problem[] =>
  faults.map(({ path, reason }) => ({
    path,
    problem: `damaged: ${reason}`,
    affects: [path.split('/').at(-1)?.replace('.image.json', '') ?? path],
  }));

/** Recipes that no image needs are still what their names say. */
export const checkOtherRecipes = async (
  tools: CacheTools,
  inventory: Inventory,
  facts: RecipeFacts,
  read: (file: SurveyedFile) => Promise<string | undefined>,
): Promise<Problem[]> => {
  const others = [...inventory.items].filter(([name]) => name.endsWith('.recipe') && !facts.neededBy.has(name));
  const problems = await inParallel(others, 2, async ([name, file]) => {
    tools.signal?.throwIfAborted();
    const found = await read(file);
    const id = name.slice(0, 64);
    return found === undefined || found === id
      ? []
      : [{ path: file.path, problem: `damaged: its sha256 is ${found}`, affects: [] }];
  });
  return problems.flat();
};

/** Where a pack is: in its place, or on its way to the trash. */
export const packPlace = ({ items, trash }: Inventory, pack: string): SurveyedFile | undefined =>
  items.get(`${pack}.pack`) ?? trash.get(`${pack}.pack`);
