import { type Head, readHeads } from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { namesOfPointer } from './gc-plan.ts';
import { homeOf, type Inventory, takeInventory } from './inventory.ts';
import { requireManifests, type StoredManifest } from './manifests.ts';
import { createScrubber } from './scrubber.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import { checkIndex, type Problem, type RecipeFacts, readRecipeFacts } from './verify-dedup.ts';

/** What came of reading a pack. */
export interface PackVerdict {
  readonly pack: string;
  readonly file: SurveyedFile;
  /** Why the pack is damaged. */
  readonly damage?: string;
  readonly needsIndex: boolean;
}

/** Reads every pack. */
const judgePacks = async (tools: CacheTools, inventory: Inventory): Promise<PackVerdict[]> => {
  const packs = [...inventory.items].filter(([name]) => name.endsWith('.pack'));
  const progress = tools.log.progress(
    'packs',
    packs.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0),
  );
  const scrubber = createScrubber(tools);
  try {
    const verdicts = await inParallel(packs, scrubber.atOnce, async ([name, file]): Promise<PackVerdict[]> => {
      const pack = name.slice(0, -'.pack'.length);
      const { path, sizeBytes } = file;
      const answer = await scrubber.read({ path, sizeBytes, algorithm: 'sha256', isPack: true });
      progress.advance(sizeBytes);
      if (!answer) return [];
      if (answer.digest !== pack)
        return [{ pack, file, damage: `damaged: its sha256 is ${answer.digest}`, needsIndex: false }];
      if (!answer.blocks) return [{ pack, file, damage: `damaged: ${answer.fault}`, needsIndex: false }];
      return [{ pack, file, needsIndex: (await checkIndex(tools, pack, answer.blocks)) !== undefined }];
    });
    return verdicts.flat();
  } finally {
    progress.finish();
    await scrubber.close();
  }
};

/** What is to be done, decided before anything is. */
export interface RepairPlan {
  readonly verdicts: readonly PackVerdict[];
  readonly images: readonly StoredManifest[];
  readonly facts: RecipeFacts;
  readonly restore: readonly string[];
  readonly removedPointers: readonly string[];
  readonly missingPointers: readonly StoredManifest['manifest']['layers'][number][];
  readonly heads: ReadonlyMap<string, readonly Head[]>;
  readonly lost: readonly Problem[];
}

const MOST_HEADS = 4;

/** Lists of the newest images for names that have none that can be read. */
const planHeads = async (tools: CacheTools, images: readonly StoredManifest[]): Promise<Map<string, Head[]>> => {
  const times = new Map(
    (await surveyFolder(tools.store, 'containers', tools.signal)).map((file) => [file.path, file.modifiedMs]),
  );
  const newestFirst = images.toSorted((a, b) => (times.get(b.path) ?? 0) - (times.get(a.path) ?? 0));
  const heads = new Map<string, Head[]>();
  for (const name of new Set(images.map(({ manifest }) => manifest.name))) {
    if ((await readHeads(tools.store, name)).length > 0) continue;
    const own = newestFirst.filter(({ manifest }) => manifest.name === name).slice(0, MOST_HEADS);
    heads.set(
      name,
      own.map(({ version, manifest }) => ({ version, layers: manifest.layers.map(({ diffId }) => diffId) })),
    );
  }
  return heads;
};

/** Finds out what is to be repaired. Throws `CACHE_MANIFESTS_UNREADABLE`. */
export const planRepair = async (tools: CacheTools): Promise<RepairPlan> => {
  const inventory = await takeInventory(tools);
  const images = await requireManifests(tools);
  const facts = await readRecipeFacts(tools, images);
  const verdicts = await judgePacks(tools, inventory);
  const damaged = new Set(verdicts.filter(({ damage }) => damage).map(({ pack }) => `${pack}.pack`));
  const isThere = (name: string): boolean =>
    name.endsWith('.idx') || inventory.trash.has(name) || (inventory.items.has(name) && !damaged.has(name));
  const usersOf = (name: string): string[] => [...(facts.neededBy.get(name) ?? [])];
  const removed = inventory.pointers.filter(
    (one) => !one.pointer || namesOfPointer(one).some((name) => !isThere(name)),
  );
  const standing = new Set(inventory.pointers.filter((one) => !removed.includes(one)).map(({ diffId }) => diffId));
  const layers = new Map(images.flatMap(({ manifest }) => manifest.layers.map((layer) => [layer.diffId, layer])));
  const brokenRecipes = new Set(facts.problems.map(({ path }) => path));
  const canPoint = ({ recipes }: { recipes: readonly string[] }): boolean =>
    recipes.every((id) => isThere(`${id}.recipe`) && !brokenRecipes.has(homeOf(`${id}.recipe`) as string)) &&
    (facts.packsOf.get(recipes[0] as string) ?? []).every((pack) => isThere(`${pack}.pack`));
  const missing = [...facts.neededBy.keys()].filter(
    (name) => name.endsWith('.pack') && !inventory.items.has(name) && !inventory.trash.has(name),
  );
  return {
    verdicts,
    images,
    facts,
    restore: [...inventory.trash.keys()].filter((name) => facts.neededBy.has(name) && !inventory.items.has(name)),
    removedPointers: removed.map(({ file }) => file.path),
    missingPointers: [...layers.values()].filter((layer) => !standing.has(layer.diffId) && canPoint(layer)),
    heads: await planHeads(tools, images),
    lost: [
      ...verdicts.flatMap(({ pack, file, damage }) =>
        damage ? [{ path: file.path, problem: damage, affects: usersOf(`${pack}.pack`) }] : [],
      ),
      ...missing.map((name) => ({ path: homeOf(name) as string, problem: 'missing', affects: usersOf(name) })),
      ...facts.problems,
    ],
  };
};
