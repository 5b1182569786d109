import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { TRASH_FOLDER } from '../dedup/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { makeOwnName } from '../process/process-identity.ts';
import { TRASH_LIST_ENDING, type TrashList } from './gc-plan.ts';
import type { CacheTools } from './types.ts';

const List = v.object({ slipwayTrash: v.literal(1), movedMs: v.number(), names: v.array(v.string()) });

const MOST_LIST_BYTES = 64 * 1024 * 1024;

const parse = (file: string, bytes: Buffer | undefined): TrashList[] => {
  try {
    const { movedMs, names } = v.parse(List, JSON.parse(bytes?.toString('utf8') ?? ''));
    return [{ file, movedMs, names }];
  } catch {
    // What it named counts as moved now, which only delays its end.
    return [{ file, movedMs: 0, names: [] }];
  }
};

/** Reads the lists in the trash. @param names all names in the trash, listed before this is called */
export const readTrashLists = async ({ store }: CacheTools, names: Iterable<string>): Promise<TrashList[]> => {
  const files = [...names].filter((name) => name.endsWith(TRASH_LIST_ENDING));
  const lists = await inParallel(files, 8, async (file) =>
    parse(file, await store.readBytes(`${TRASH_FOLDER}/${file}`, MOST_LIST_BYTES)),
  );
  return lists.flat();
};

/** Writes down that names are put into the trash now. */
export const writeTrashList = async (
  { store, temp }: CacheTools,
  movedMs: number,
  names: readonly string[],
): Promise<void> => {
  if (names.length === 0) return;
  const name = `${makeOwnName()}${TRASH_LIST_ENDING}`;
  const file = join(temp, name);
  await writeFile(file, `${JSON.stringify({ slipwayTrash: 1, movedMs, names })}\n`);
  await store.publish([{ file, path: `${TRASH_FOLDER}/${name}` }]);
};

/**
 * The time by the clock of the store's machine, in milliseconds since 1970: that machine stamps a folder when something is renamed into it.
 * Publishing also sweeps what broken publications left in the staging folder.
 */
export const readStoreClock = async ({ store, temp }: CacheTools): Promise<number> => {
  const name = `clock-${makeOwnName()}`;
  await mkdir(temp, { recursive: true });
  const file = join(temp, name);
  await writeFile(file, '');
  await store.publish([{ file, path: `${TRASH_FOLDER}/${name}/now` }]);
  try {
    const entry = (await store.entries(TRASH_FOLDER)).find((one) => one.name === name);
    return entry?.modifiedMs ?? Date.now();
  } finally {
    await store.remove(`${TRASH_FOLDER}/${name}`);
  }
};
