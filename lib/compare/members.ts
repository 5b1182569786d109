import type { Blob } from './blob.ts';
import { changesOf, lonely, type Place, TIME, timesOf } from './node.ts';
import type { Change, Difference, Kind, Member, Opened } from './types.ts';
import type { WorkshopParts } from './workshop.ts';

/** Compares two contents wherever they are. @returns undefined when both are the same */
export type ComparePair = (a: Blob, b: Blob, place: Place, parts: WorkshopParts) => Promise<Difference | undefined>;

/** What is different among the members of two things. */
export interface Siblings {
  readonly children: readonly Difference[];
  /** Of what is not listed one by one. */
  readonly changes: readonly Change[];
  /** How many more differ. */
  readonly leftOut: number;
}

const kindOfPair = (a: Member, b: Member): Kind => (a.kind === b.kind ? a.kind : 'file');

/** The names that are below a folder, and only on the one side. */
const belowOf = (names: readonly string[], folder: string, other: ReadonlyMap<string, Member>): string[] =>
  names.filter((name) => name.startsWith(`${folder}/`) && !other.has(name));

/** Takes differences for as long as there is room for them. */
const openListing = ({ limits, budget }: WorkshopParts) => {
  const children: Difference[] = [];
  let leftOut = 0;
  return {
    children,
    leftOut: () => leftOut,
    add(child: Difference): void {
      if (children.length >= limits.listed || budget.differences >= limits.differences) {
        leftOut += 1;
        return;
      }
      budget.differences += 1;
      children.push(child);
    },
  };
};

/** Compares the members of two things of one form, by their names. */
export const compareMembers = async (
  [a, b]: readonly [Opened, Opened],
  { path, depth }: Place,
  parts: WorkshopParts,
  comparePair: ComparePair,
): Promise<Siblings> => {
  const listing = openListing(parts);
  const times: { name: string; change: Change }[] = [];
  const covered = new Set<string>();
  const names = [...new Set([...a.members.keys(), ...b.members.keys()])].sort((x, y) => (x < y ? -1 : 1));
  for (const name of names) {
    parts.signal?.throwIfAborted();
    if (covered.has(name)) continue;
    const [left, right] = [a.members.get(name), b.members.get(name)];
    const only = left ?? right;
    if (only && !(left && right)) {
      const inside = only.kind === 'folder' ? belowOf(names, name, left ? b.members : a.members) : [];
      for (const one of inside) covered.add(one);
      listing.add(lonely([...path, name], only, left ? 'removed' : 'added', inside.length));
      continue;
    }
    if (!left || !right) continue;
    const changes = changesOf(left.facts, right.facts);
    const content =
      left.content && right.content
        ? await comparePair(
            left.content,
            right.content,
            { path: [...path, name], kind: kindOfPair(left, right), depth: depth + 1, note: left.note },
            parts,
          )
        : undefined;
    const [change] = changes;
    if (content)
      listing.add({ ...content, changes: [...changes.filter(({ what }) => what !== TIME), ...content.changes] });
    else if (change && changes.length === 1 && change.what === TIME) times.push({ name, change });
    else if (change)
      listing.add({ path: [...path, name], kind: kindOfPair(left, right), state: 'differs', changes, children: [] });
  }
  return { children: listing.children, changes: timesOf(times), leftOut: listing.leftOut() };
};
