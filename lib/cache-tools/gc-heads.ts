import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatHeads, HEADS_FOLDER, type Head, headsPath, readHeads } from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import type { Inventory } from './inventory.ts';
import type { StoredManifest } from './manifests.ts';
import type { CacheTools } from './types.ts';

/** A list of newest images as it was found. */
export interface FoundHeads {
  readonly name: string;
  readonly path: string;
  readonly modifiedMs: number;
  readonly heads: readonly Head[];
}

/** A list that names images which are gone. */
export interface StaleHeads extends FoundHeads {
  /** What stays of it. */
  readonly left: readonly Head[];
}

const AT_ONCE = 8;

/** Reads the lists. To be done before the images are listed: an image is published before it is in a list. */
export const findHeads = (tools: CacheTools, { files }: Pick<Inventory, 'files'>): Promise<FoundHeads[]> =>
  inParallel(
    files.filter(({ path }) => path.startsWith(`${HEADS_FOLDER}/`) && path.endsWith('.json')),
    AT_ONCE,
    async ({ path, modifiedMs }) => {
      const name = path.slice(HEADS_FOLDER.length + 1, -'.json'.length);
      return { name, path, modifiedMs, heads: await readHeads(tools.store, name) };
    },
  );

/**
 * The lists that name images which are not there any more, or are about to go. One that was written lately is left alone, as its publisher may be
 * about to write it again.
 *
 * @param images that stay
 */
export const planHeads = (
  found: readonly FoundHeads[],
  images: readonly Pick<StoredManifest, 'reference'>[],
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): StaleHeads[] => {
  const there = new Set(images.map(({ reference }) => reference));
  return found
    .filter(({ modifiedMs }) => Math.abs(nowMs - modifiedMs) >= graceMs)
    .map((one) => ({ ...one, left: one.heads.filter(({ version }) => there.has(`${one.name}:${version}`)) }))
    .filter(({ heads, left }) => left.length < heads.length || heads.length === 0)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
};

/** Shortens the lists, and deletes those of which nothing is left; not those that somebody has written meanwhile. */
export const cleanHeads = async ({ store, temp }: CacheTools, stale: readonly StaleHeads[]): Promise<void> => {
  await inParallel(stale, AT_ONCE, async ({ name, path, heads, left: [newest, ...older] }) => {
    if (JSON.stringify(await readHeads(store, name)) !== JSON.stringify(heads)) return;
    if (!newest) {
      await store.remove(path);
      return;
    }
    const file = join(temp, `heads-${name}.json`);
    await writeFile(file, formatHeads(newest, older));
    await store.publish([{ file, path: headsPath(name) }]);
  });
};
