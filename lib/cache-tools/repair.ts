import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodePackIndex,
  formatHeads,
  formatLayerPointer,
  HEADS_FOLDER,
  headsPath,
  layerPath,
  packIndexPath,
  scanPack,
  TRASH_FOLDER,
} from '../dedup/index.ts';
import { SlipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { homeOf } from './inventory.ts';
import { type PackVerdict, planRepair, type RepairPlan } from './repair-plan.ts';
import { readStoreClock, writeTrashList } from './trash-lists.ts';
import type { CacheTools, SurveyedFile } from './types.ts';

/** What was repaired; of a dry run: what would be. Paths of the cache. */
export interface RepairReport {
  readonly dryRun: boolean;
  /** Indexes that were made anew from their packs. */
  readonly indexes: readonly string[];
  /** Pointers that led nowhere; publishers took layers for stored that are not. */
  readonly removedPointers: readonly string[];
  readonly writtenPointers: readonly string[];
  readonly heads: readonly string[];
  /** Taken back from the trash, because an image needs them. */
  readonly restored: readonly string[];
  /** Damaged packs, which are in the trash now, and what is missing; with the images that have to be published again. */
  readonly lost: readonly { readonly path: string; readonly problem: string; readonly affects: readonly string[] }[];
}

const RANGE_BYTES = 8 * 1024 * 1024;

async function* readRanges({ store }: CacheTools, { path, sizeBytes }: SurveyedFile): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < sizeBytes; offset += RANGE_BYTES) {
    yield await store.readRange(path, offset, Math.min(RANGE_BYTES, sizeBytes - offset));
  }
}

const streamPack = (tools: CacheTools, file: SurveyedFile): AsyncIterable<Buffer> =>
  tools.localDir === undefined
    ? readRanges(tools, file)
    : createReadStream(join(tools.localDir, file.path), { highWaterMark: 1024 * 1024 });

const rebuildIndex = async (tools: CacheTools, { pack, file }: PackVerdict): Promise<string[]> => {
  try {
    const index = await scanPack(streamPack(tools, file), file.path);
    const here = join(tools.temp, `${pack}.idx`);
    await writeFile(here, encodePackIndex(index));
    await tools.store.publish([{ file: here, path: packIndexPath(pack) }]);
    return [packIndexPath(pack)];
  } catch (error) {
    // The pack is what its name says: that one needs another pack, or that its publisher made a mistake, does not make it garbage.
    if (!(error instanceof SlipwayError) || !error.code.startsWith('DEDUP_')) throw error;
    tools.log.warn(`The index of ${file.path} cannot be rebuilt: ${error.message}`);
    return [];
  }
};

/** Under a name that nobody takes back: the pack with the right content is to come from a publisher. */
const damagedName = (pack: string): string => `damaged-${pack}.pack`;

const writeHere = async ({ temp }: CacheTools, name: string, text: string, path: string) => {
  const file = join(temp, name);
  await writeFile(file, text);
  return { file, path };
};

const execute = async (tools: CacheTools, plan: RepairPlan): Promise<string[]> => {
  const { store } = tools;
  // Also sweeps what broken publications left in the staging folder.
  const nowMs = await readStoreClock(tools);
  // Before the packs go that they lead to: no publisher shall build on them.
  await inParallel(plan.removedPointers, 8, (path) => store.remove(path));
  const damaged = plan.verdicts.filter(({ damage }) => damage);
  await writeTrashList(
    tools,
    nowMs,
    damaged.flatMap(({ pack }) => [damagedName(pack), `${pack}.idx`]),
  );
  for (const { pack, file } of damaged) {
    await store.rename(file.path, `${TRASH_FOLDER}/${damagedName(pack)}`);
    await store.rename(packIndexPath(pack), `${TRASH_FOLDER}/${pack}.idx`);
  }
  for (const name of plan.restore) await store.rename(`${TRASH_FOLDER}/${name}`, homeOf(name) as string);
  const rebuilt = await inParallel(
    plan.verdicts.filter(({ needsIndex }) => needsIndex),
    2,
    (one) => rebuildIndex(tools, one),
  );
  const pointers = await inParallel(plan.missingPointers, 8, ({ diffId, sizeBytes, recipes }) => {
    const packs = [...(plan.facts.packsOf.get(recipes[0] as string) ?? [])];
    return writeHere(
      tools,
      `${diffId}.json`,
      formatLayerPointer({ diffId, sizeBytes, recipes, packs }),
      layerPath(diffId),
    );
  });
  await store.publish(pointers);
  for (const [name, [newest, ...older]] of plan.heads) {
    if (newest)
      await store.publish([await writeHere(tools, 'heads.json', formatHeads(newest, older), headsPath(name))]);
  }
  return rebuilt.flat();
};

/**
 * Rebuilds what can be derived from the rest: indexes of packs, pointers to layers, lists of the newest images. Takes packs that are not what
 * their names say out of the way, so that publishing again really sends them. Writes no digests: nobody may vouch for what may be damaged.
 *
 * Throws `CACHE_MANIFESTS_UNREADABLE` before anything is changed.
 */
export const repairCache = async (tools: CacheTools, options: { readonly dryRun: boolean }): Promise<RepairReport> => {
  const plan = await planRepair(tools);
  const wanted = plan.verdicts.filter(({ needsIndex }) => needsIndex).map(({ pack }) => packIndexPath(pack));
  const indexes = options.dryRun ? wanted : await execute(tools, plan);
  return {
    dryRun: options.dryRun,
    indexes: indexes.toSorted(),
    removedPointers: plan.removedPointers,
    writtenPointers: plan.missingPointers.map(({ diffId }) => layerPath(diffId)),
    heads: [...plan.heads.keys()].map((name) => `${HEADS_FOLDER}/${name}.json`),
    restored: plan.restore.map((name) => homeOf(name) as string),
    lost: plan.lost,
  };
};
