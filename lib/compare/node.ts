import type { Blob } from './blob.ts';
import type { Change, Difference, Kind, Member } from './types.ts';

/** Where in the tree the comparison is. */
export interface Place {
  readonly path: readonly string[];
  readonly kind: Kind;
  readonly depth: number;
  readonly note?: string;
}

/** The fact that is the time of the last change of a file; it says little, and is told with less. */
export const TIME = 'changed';

/** Facts that are not the same. */
export const changesOf = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Change[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((what) => a[what] !== b[what])
    .map((what) => ({ what, before: a[what], after: b[what] }));

/** Two things that differ, before anything is known of how. */
export const nodeOf = (a: Blob, b: Blob, { path, kind, note }: Place): Difference => ({
  path,
  kind,
  state: 'differs',
  sizes: { before: a.sizeBytes, after: b.sizeBytes },
  changes: [],
  note,
  children: [],
});

/** Notes as one. */
export const joined = (...notes: readonly (string | undefined)[]): string | undefined =>
  notes.filter((note) => note !== undefined).join('; ') || undefined;

/** A member that is on one side only. @param inside how many there are in it */
export const lonely = (
  path: readonly string[],
  member: Member,
  state: 'added' | 'removed',
  inside: number,
): Difference => {
  const size = member.content?.sizeBytes;
  const sizes = size === undefined ? undefined : state === 'added' ? { after: size } : { before: size };
  const changes = Object.entries(member.facts)
    .filter(([what]) => what !== TIME)
    .map(([what, value]) =>
      state === 'added' ? { what, before: undefined, after: value } : { what, before: value, after: undefined },
    );
  const note = inside > 0 ? `with ${inside} more inside` : undefined;
  return { path, kind: member.kind, state, sizes, changes, note, children: [] };
};

/** Members of which nothing but the time of the last change differs are counted, not listed: in another build all of them may. */
export const timesOf = (changed: readonly { name: string; change: Change }[]): Change[] => {
  const [first] = changed;
  if (!first) return [];
  const what =
    changed.length === 1
      ? `last change of ${first.name}`
      : `last change of ${changed.length} members, for example ${first.name}`;
  return [{ what, before: first.change.before, after: first.change.after }];
};
