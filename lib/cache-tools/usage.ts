import { DEDUP_FOLDER, TRASH_FOLDER } from '../dedup/index.ts';
import { readManifests } from './manifests.ts';
import { surveyFolder } from './survey.ts';
import type { CacheTools, SurveyedFile } from './types.ts';
import { requireVersion, versionsOf } from './versions.ts';
import { walkRecipes } from './walk-recipes.ts';

const TOP = DEDUP_FOLDER.split('/')[0] as string;

const sizeOf = (files: readonly SurveyedFile[]): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** A version as `cache ls` shows it. */
export interface ListedVersion {
  readonly version: string;
  /** Where it has something, without the version: `containers`, `images/amd64`. */
  readonly kinds: readonly string[];
  /** Images `NAME:VERSION` in the deduplicated store. */
  readonly images: readonly string[];
  readonly files: number;
  /** Of the version's own folders; what its images have in the deduplicated store `cache du` tells. */
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly newest: string;
}

/**
 * Lists the versions in the cache, the newest first.
 *
 * @param folder only what is below it; empty: all
 */
export const listVersions = async (tools: CacheTools, folder: string): Promise<readonly ListedVersion[]> => {
  const surveyed = await surveyFolder(tools.store, '', tools.signal, [TOP]);
  const { images } = await readManifests(tools);
  const files = surveyed.filter(({ path }) => folder === '' || path.startsWith(`${folder}/`));
  return versionsOf(files).map(({ version, folders, files: own, sizeBytes, newestMs }) => ({
    version,
    kinds: folders.map((one) => one.slice(0, one.lastIndexOf('/'))),
    images: images
      .filter((image) => image.version === version && own.some(({ path }) => path === image.path))
      .map(({ reference }) => reference),
    files: own.length,
    sizeBytes,
    newest: new Date(newestMs).toISOString(),
  }));
};

/** How much of the disk a version takes, in bytes. */
export interface VersionUsage {
  readonly version: string;
  /** Files in the version's own folders. */
  readonly flatBytes: number;
  /** Layers of its images as they are, uncompressed. */
  readonly layerBytes: number;
  /** What the deduplicated store would need for them if it had nothing else. */
  readonly aloneBytes: number;
  /** What it has for no other version. */
  readonly uniqueBytes: number;
  /** What it has for others, too. */
  readonly sharedBytes: number;
}

/** How much of the disk the cache takes, in bytes. */
export interface Usage {
  readonly versions: readonly VersionUsage[];
  readonly total: {
    /** Files outside of the deduplicated store. */
    readonly flatBytes: number;
    readonly layerBytes: number;
    readonly aloneBytes: number;
    /** All of the deduplicated store but its trash. */
    readonly storedBytes: number;
    /** Of these: what no image needs; `cache gc` deletes it when it has whole packs of it. */
    readonly unneededBytes: number;
    readonly trashBytes: number;
    /** `aloneBytes / storedBytes`; 0 without images. */
    readonly ratio: number;
  };
  /** What could not be read, so that the figures are too small. */
  readonly faults: readonly string[];
}

interface Block {
  readonly bytes: number;
  readonly versions: Set<string>;
}

/** Counts blocks by the versions whose images need them. */
const countBlocks = async (tools: CacheTools, faults: string[]) => {
  const { images, faults: unread } = await readManifests(tools);
  faults.push(...unread.map(({ reason }) => reason));
  const versionsOfRecipe = new Map<string, Set<string>>();
  const layerBytes = new Map<string, number>();
  for (const { version, manifest } of images) {
    for (const { recipes, sizeBytes } of manifest.layers) {
      const own = recipes[0] as string;
      versionsOfRecipe.set(own, (versionsOfRecipe.get(own) ?? new Set()).add(version));
      layerBytes.set(version, (layerBytes.get(version) ?? 0) + sizeBytes);
    }
  }
  const blocks = new Map<string, Block>();
  await walkRecipes(
    tools,
    images.flatMap(({ manifest }) => manifest.layers.map(({ recipes }) => recipes)),
    {
      onRecipe(id, recipe) {
        for (const version of versionsOfRecipe.get(id) ?? []) {
          for (const { id: block, pack, recordBytes } of recipe.blocks) {
            // The same block may be stored twice, when two publishers were at work.
            const key = `${block} ${recipe.packs[pack]}`;
            const known = blocks.get(key) ?? { bytes: recordBytes, versions: new Set<string>() };
            known.versions.add(version);
            blocks.set(key, known);
          }
        }
      },
      onFault: (_id, { message }) => faults.push(message),
    },
  );
  return { blocks, layerBytes };
};

/** Measures the cache. @param version only this one is shown; the totals are of all. Throws `CACHE_NO_SUCH_VERSION`. */
export const measureUsage = async (tools: CacheTools, version?: string): Promise<Usage> => {
  const files = await surveyFolder(tools.store, '', tools.signal);
  const dedup = files.filter(({ path }) => path.startsWith(`${TOP}/`));
  const flat = files.filter(({ path }) => !path.startsWith(`${TOP}/`));
  const wanted = version === undefined ? undefined : requireVersion(tools, flat, version).version;
  const faults: string[] = [];
  const { blocks, layerBytes } = await countBlocks(tools, faults);
  const alone = new Map<string, number>();
  const unique = new Map<string, number>();
  let neededBytes = 0;
  const add = (sums: Map<string, number>, key: string, bytes: number): unknown =>
    sums.set(key, (sums.get(key) ?? 0) + bytes);
  for (const { bytes, versions } of blocks.values()) {
    neededBytes += bytes;
    for (const one of versions) add(alone, one, bytes);
    if (versions.size === 1) add(unique, [...versions][0] as string, bytes);
  }
  const all = versionsOf(flat).map((one): VersionUsage => {
    const [aloneBytes, uniqueBytes] = [alone.get(one.version) ?? 0, unique.get(one.version) ?? 0];
    return {
      version: one.version,
      flatBytes: one.sizeBytes,
      layerBytes: layerBytes.get(one.version) ?? 0,
      aloneBytes,
      uniqueBytes,
      sharedBytes: aloneBytes - uniqueBytes,
    };
  });
  const trashBytes = sizeOf(dedup.filter(({ path }) => path.startsWith(`${TRASH_FOLDER}/`)));
  const storedBytes = sizeOf(dedup) - trashBytes;
  const packBytes = sizeOf(dedup.filter(({ path }) => path.endsWith('.pack') && !path.startsWith(`${TRASH_FOLDER}/`)));
  const aloneBytes = all.reduce((sum, one) => sum + one.aloneBytes, 0);
  return {
    versions: all.filter((one) => wanted === undefined || one.version === wanted),
    total: {
      flatBytes: sizeOf(flat),
      layerBytes: all.reduce((sum, one) => sum + one.layerBytes, 0),
      aloneBytes,
      storedBytes,
      unneededBytes: Math.max(0, packBytes - neededBytes),
      trashBytes,
      ratio: storedBytes === 0 ? 0 : Math.round((100 * aloneBytes) / storedBytes) / 100,
    },
    faults,
  };
};
