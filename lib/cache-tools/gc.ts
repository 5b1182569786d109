import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLayerPointer, LAYERS_FOLDER, layerPath, TRASH_FOLDER } from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { cleanHeads, findHeads, planHeads, type StaleHeads } from './gc-heads.ts';
import { type CollectionPlan, namesOfPointer, planCollection } from './gc-plan.ts';
import { planVersions, removeVersion } from './gc-versions.ts';
import { homeOf, type Inventory, readPointers, takeInventory } from './inventory.ts';
import { requireManifests, type StoredManifest } from './manifests.ts';
import { createNeedsReader, type Needs, type NeedsReader } from './needs.ts';
import type { KeepPolicy, VersionVerdict } from './policy.ts';
import { surveyFolder } from './survey.ts';
import { readStoreClock, readTrashLists, writeTrashList } from './trash-lists.ts';
import type { CacheTools } from './types.ts';

/** What to collect. */
export interface GcRequest {
  readonly policy: KeepPolicy;
  /** So long a file stays in the trash, and so long what nothing refers to is left alone, as a publication may be going on. */
  readonly graceMs: number;
  /** Only say what would be done. */
  readonly dryRun: boolean;
  /** The time by the clock of the store's machine; for tests. */
  readonly clock?: () => Promise<number>;
}

/** What was collected; of a dry run: what would be. Paths of the cache, sorted. */
export interface GcReport {
  readonly dryRun: boolean;
  readonly versions: readonly { readonly version: string; readonly remove: boolean; readonly why: string }[];
  /** Folders of versions. */
  readonly removedFolders: readonly string[];
  readonly removedPointers: readonly string[];
  /** Lists of newest images that named images which are gone: shortened, or deleted where none is left. */
  readonly heads: readonly string[];
  /** Packs, indexes and recipes that are in the trash from now on. */
  readonly trashed: readonly string[];
  /** Taken back from the trash, because something needs them. */
  readonly restored: readonly string[];
  /** Deleted for good from the trash. */
  readonly deleted: readonly string[];
  readonly trashedBytes: number;
  readonly deletedBytes: number;
}

const AT_ONCE = 8;

const inTrash = (name: string): string => `${TRASH_FOLDER}/${name}`;

/** Everything that is decided before anything is done. */
interface WholePlan {
  readonly verdicts: readonly VersionVerdict[];
  readonly inventory: Inventory;
  readonly collection: CollectionPlan;
  readonly heads: readonly StaleHeads[];
  readonly nowMs: number;
}

const makePlan = async (tools: CacheTools, request: GcRequest, needs: NeedsReader): Promise<WholePlan> => {
  const nowMs = await (
    request.clock ?? (() => (request.dryRun ? Promise.resolve(Date.now()) : readStoreClock(tools)))
  )();
  const verdicts = await planVersions(tools, request.policy, nowMs);
  // What may go is listed before what needs it: an image that appears in between needs nothing that is on this list and on no other one.
  const inventory = await takeInventory(tools);
  const lists = await readTrashLists(tools, inventory.trash.keys());
  const foundHeads = await findHeads(tools, inventory);
  const leaving = new Set(verdicts.filter(({ remove }) => remove).map(({ version }) => version.version));
  const images = (await requireManifests(tools)).filter(({ version }) => !leaving.has(version));
  const { names: needed } = await needs.of(images);
  const collection = planCollection({ inventory, lists, needed, nowMs, graceMs: request.graceMs });
  const heads = planHeads(foundHeads, images, { nowMs, graceMs: request.graceMs });
  return { verdicts, inventory, collection, heads, nowMs };
};

const moveBack = async ({ store, signal }: CacheTools, names: readonly string[]): Promise<string[]> => {
  const back = await inParallel(names, AT_ONCE, async (name) => {
    signal?.throwIfAborted();
    const home = homeOf(name);
    return home !== undefined && (await store.rename(inTrash(name), home)) ? [home] : [];
  });
  return back.flat();
};

/** Pointers of images that have none: without them the next publisher would send their layers again. */
const rewritePointers = async (
  { store, temp }: CacheTools,
  images: readonly StoredManifest[],
  { packsOf }: Needs,
): Promise<void> => {
  const present = new Set(await store.list(LAYERS_FOLDER));
  const layers = new Map(images.flatMap(({ manifest }) => manifest.layers.map((layer) => [layer.diffId, layer])));
  const lost = [...layers.values()].filter(({ diffId }) => !present.has(`${diffId}.json`));
  const uploads = await inParallel(lost, AT_ONCE, async ({ diffId, sizeBytes, recipes }) => {
    const file = join(temp, `${diffId}.json`);
    const packs = [...(packsOf.get(recipes[0] ?? '') ?? [])];
    await writeFile(file, formatLayerPointer({ diffId, sizeBytes, recipes, packs }));
    return { file, path: layerPath(diffId) };
  });
  await store.publish(uploads);
};

const packsFirst = (a: string, b: string): number => Number(a.endsWith('.recipe')) - Number(b.endsWith('.recipe'));

/** What is needed now: by images, and by whatever a pointer leads to. */
const lookAgain = async (tools: CacheTools, needs: NeedsReader) => {
  // Pointers first: an image whose pointer is not seen here, and that is not seen either, began after the files were moved.
  const pointers = await readPointers(tools, await surveyFolder(tools.store, LAYERS_FOLDER, tools.signal));
  const images = await requireManifests(tools);
  const found = await needs.of(images);
  return { images, found, needed: new Set([...found.names, ...pointers.flatMap(namesOfPointer)]) };
};

const execute = async (tools: CacheTools, plan: WholePlan, needs: NeedsReader) => {
  const { store, log, signal } = tools;
  const { verdicts, collection, heads, nowMs } = plan;
  const removedFolders: string[] = [];
  for (const { version } of verdicts.filter(({ remove }) => remove)) {
    signal?.throwIfAborted();
    if (await removeVersion(tools, version)) removedFolders.push(...version.folders);
  }
  // Before anything moves: what a killed collection leaves in the trash has its time, too.
  await writeTrashList(tools, nowMs, collection.stamp);
  await inParallel(collection.pointers, AT_ONCE, (path) => store.remove(path));
  for (const isRecipe of [true, false]) {
    const names = collection.move.filter((name) => name.endsWith('.recipe') === isRecipe);
    await inParallel(names, AT_ONCE, (name) => store.rename(homeOf(name) as string, inTrash(name)));
  }
  const { images, found, needed } = await lookAgain(tools, needs);
  const present = new Set((await store.entries(TRASH_FOLDER)).map(({ name }) => name));
  // Packs before the recipes that name them.
  const wanted = [...present].filter((name) => needed.has(name)).sort(packsFirst);
  const restored = await moveBack(tools, wanted);
  if (restored.length > 0) log.info(`${restored.length} files came back from the trash: something needs them.`);
  await rewritePointers(tools, images, found);
  const drop = collection.drop.filter((name) => !needed.has(name));
  await inParallel(drop, AT_ONCE, (name) => store.remove(inTrash(name)));
  await inParallel(collection.lists, AT_ONCE, (name) => store.remove(inTrash(name)));
  await cleanHeads(tools, heads);
  return { removedFolders, restored, drop, back: new Set(restored) };
};

/** Of a dry run: exactly what the real one would do. */
const pretend = ({ verdicts, collection }: WholePlan) => ({
  removedFolders: verdicts.filter(({ remove }) => remove).flatMap(({ version }) => version.folders),
  restored: collection.restore.map((name) => homeOf(name) as string),
  drop: collection.drop,
  back: new Set<string>(),
});

/**
 * Collects garbage: versions that no rule keeps, and what of the deduplicated store no image needs. Publishers and readers may be at work
 * meanwhile; the algorithm and why it loses nothing is in docs/cache-format.md.
 *
 * Throws `CACHE_MANIFESTS_UNREADABLE` and `CACHE_RECIPES_UNREADABLE` before anything is deleted.
 */
export const collectCache = async (tools: CacheTools, request: GcRequest): Promise<GcReport> => {
  const { dryRun } = request;
  const needs = createNeedsReader(tools);
  const plan = await tools.log.phase('What is needed', () => makePlan(tools, request, needs));
  const { verdicts, inventory, collection, heads } = plan;
  const done = dryRun ? pretend(plan) : await tools.log.phase('Collecting', () => execute(tools, plan, needs));
  const sizeOf = (name: string): number => (inventory.trash.get(name) ?? inventory.items.get(name))?.sizeBytes ?? 0;
  const moved = collection.move.filter((name) => !done.back.has(homeOf(name) as string));
  const sum = (names: readonly string[]): number => names.reduce((total, name) => total + sizeOf(name), 0);
  return {
    dryRun,
    versions: verdicts.map(({ version, remove, why }) => ({ version: version.version, remove, why })),
    removedFolders: done.removedFolders.toSorted(),
    removedPointers: collection.pointers,
    heads: heads.map(({ path }) => path),
    trashed: moved.map((name) => homeOf(name) as string).sort(),
    restored: done.restored.toSorted(),
    deleted: done.drop.map(inTrash).sort(),
    trashedBytes: sum(moved),
    deletedBytes: sum(done.drop),
  };
};
