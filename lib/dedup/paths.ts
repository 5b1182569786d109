import type { CachePath } from '../cache/index.ts';

/** Folder below the cache's prefix of everything in the deduplicated store, with the version of its formats (docs/cache-format.md). */
export const DEDUP_FOLDER = 'dedup/v1';

/** Where gc moves packs before it deletes them. */
export const TRASH_FOLDER: CachePath = `${DEDUP_FOLDER}/trash`;
export const PACKS_FOLDER: CachePath = `${DEDUP_FOLDER}/packs`;
export const RECIPES_FOLDER: CachePath = `${DEDUP_FOLDER}/recipes`;
export const LAYERS_FOLDER: CachePath = `${DEDUP_FOLDER}/layers`;
export const HEADS_FOLDER: CachePath = `${DEDUP_FOLDER}/heads`;

export const packPath = (id: string): CachePath => `${PACKS_FOLDER}/${id}.pack`;
export const packIndexPath = (id: string): CachePath => `${PACKS_FOLDER}/${id}.idx`;
export const trashedPackPath = (id: string): CachePath => `${TRASH_FOLDER}/${id}.pack`;
export const trashedIndexPath = (id: string): CachePath => `${TRASH_FOLDER}/${id}.idx`;
export const trashedRecipePath = (id: string): CachePath => `${TRASH_FOLDER}/${id}.recipe`;
export const recipePath = (id: string): CachePath => `${RECIPES_FOLDER}/${id}.recipe`;
export const layerPath = (diffId: string): CachePath => `${LAYERS_FOLDER}/${diffId}.json`;
export const headsPath = (name: string): CachePath => `${HEADS_FOLDER}/${name}.json`;
