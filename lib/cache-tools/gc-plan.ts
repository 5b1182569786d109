import type { FoundPointer, Inventory } from './inventory.ts';
import { homeOf } from './inventory.ts';
import { packNames } from './needs.ts';

/** What a list in the trash says: these names were put there then. */
export interface TrashList {
  /** Name of the file. */
  readonly file: string;
  /** By the clock of the store's machine. */
  readonly movedMs: number;
  readonly names: readonly string[];
}

/** What to collect of the deduplicated store. Names are those of files: `ID.pack`, `ID.idx`, `ID.recipe`. */
export interface CollectionPlan {
  /** Paths of pointers that lead to what no image needs. */
  readonly pointers: readonly string[];
  /** Names that go to the trash, recipes first. */
  readonly move: readonly string[];
  /** Names that come back from the trash, packs first. */
  readonly restore: readonly string[];
  /** Names whose time in the trash begins now. */
  readonly stamp: readonly string[];
  /** Names that are deleted from the trash. */
  readonly drop: readonly string[];
  /** Lists that name nothing any more. */
  readonly lists: readonly string[];
}

/** What a plan is made from. */
export interface CollectionFacts {
  readonly inventory: Inventory;
  readonly lists: readonly TrashList[];
  /** Names that images need. */
  readonly needed: ReadonlySet<string>;
  /** By the clock of the store's machine. */
  readonly nowMs: number;
  readonly graceMs: number;
}

/** Of the lists that say what was moved to the trash, and when. */
export const TRASH_LIST_ENDING = '.moved.json';

const isPack = (name: string): boolean => !name.endsWith('.recipe');
const recipesFirst = (a: string, b: string): number => Number(isPack(a)) - Number(isPack(b)) || (a < b ? -1 : 1);

/** What a pointer leads to. */
export const namesOfPointer = ({ pointer }: FoundPointer): string[] =>
  pointer ? [...pointer.recipes.map((id) => `${id}.recipe`), ...pointer.packs.flatMap(packNames)] : [];

/** When each name was put into the trash; the last time counts. */
const movedTimes = (lists: readonly TrashList[]): Map<string, number> => {
  const times = new Map<string, number>();
  for (const { movedMs, names } of lists) {
    for (const name of names) times.set(name, Math.max(movedMs, times.get(name) ?? 0));
  }
  return times;
};

/**
 * Plans a collection (docs/cache-format.md, "Collecting garbage"):
 *
 * 1. Needed is what images need, and what pointers lead to that are younger than the grace time: their images may be about to appear.
 * 2. Of the other pointers those go that lead to something that is not needed.
 * 3. What is not needed and older than the grace time goes to the trash; what is needed comes back from there.
 * 4. Deleted is what has been in the trash for the grace time, and to which no pointer has led meanwhile.
 */
export const planCollection = ({ inventory, lists, needed, nowMs, graceMs }: CollectionFacts): CollectionPlan => {
  const { items, trash, pointers } = inventory;
  // A clock that is far ahead makes nothing young for ever.
  const isYoung = (modifiedMs: number): boolean => Math.abs(nowMs - modifiedMs) < graceMs;
  const all = new Set(needed);
  for (const one of pointers.filter(({ file }) => isYoung(file.modifiedMs))) {
    for (const name of namesOfPointer(one)) all.add(name);
  }
  const leaving = pointers.filter(
    (one) => !isYoung(one.file.modifiedMs) && (!one.pointer || namesOfPointer(one).some((name) => !all.has(name))),
  );
  const move = [...items]
    .filter(([name, { modifiedMs }]) => !all.has(name) && !isYoung(modifiedMs))
    .map(([name]) => name)
    .sort(recipesFirst);

  const kept = [...trash.keys()].filter((name) => !name.endsWith(TRASH_LIST_ENDING));
  const restore = kept.filter((name) => all.has(name) && homeOf(name) !== undefined && !items.has(name));
  const times = movedTimes(lists);
  const ledTo = new Set(leaving.flatMap(namesOfPointer));
  const stamp = [...move, ...kept.filter((name) => !all.has(name) && (ledTo.has(name) || !times.has(name)))];
  const stamped = new Set(stamp);
  const isDue = (name: string): boolean =>
    graceMs === 0 || (!stamped.has(name) && (times.get(name) ?? nowMs) <= nowMs - graceMs);
  const drop = [...kept, ...(graceMs === 0 ? move : [])].filter(
    (name) => (!all.has(name) || items.has(name)) && isDue(name),
  );
  const gone = new Set([...drop, ...restore]);
  const remaining = new Set(kept.filter((name) => !gone.has(name)));
  return {
    pointers: leaving.map(({ file }) => file.path).sort(),
    move,
    restore: restore.sort(recipesFirst).reverse(),
    stamp: graceMs === 0 ? [] : stamp.sort(recipesFirst),
    drop: [...new Set(drop)].sort(recipesFirst),
    lists: lists.filter(({ names }) => !names.some((name) => remaining.has(name))).map(({ file }) => file),
  };
};
