import { SlipwayError } from '../errors/index.ts';
import type { Runner } from '../process/index.ts';
import { areEqual, type Blob } from './blob.ts';
import { formOf } from './form.ts';
import { compareBytes, compareContents, type Leaf } from './leaf.ts';
import { openThing } from './open/index.ts';
import { type Change, type Difference, type Kind, LIMITS, type Limits, type Member, type Opened } from './types.ts';
import { NotReadable, openWorkshop, type Workshop, type WorkshopParts } from './workshop.ts';

/** What comparing works with. */
export interface CompareParts {
  /** Runs programs in silence. */
  readonly runner: Runner;
  /** Absolute path of an own folder for what is unpacked; empty again afterwards. */
  readonly temp: string;
  readonly limits?: Partial<Limits>;
  readonly signal?: AbortSignal;
}

/** Where in the tree the comparison is. */
interface Place {
  readonly path: readonly string[];
  readonly kind: Kind;
  readonly depth: number;
  readonly note?: string;
}

/** The time of the last change of a file; see {@link compareMembers}. */
const TIME = 'changed';

/** What a reader is told when something cannot be looked into. Anything else is a bug, or the end of the comparison. */
const whyNot = (error: unknown, signal: AbortSignal | undefined): string => {
  if (signal?.aborted) throw error;
  if (error instanceof NotReadable) return error.message;
  if (error instanceof SlipwayError) {
    const { program } = error.data as { program?: unknown };
    if (error.code === 'COMMAND_NOT_FOUND') return `${String(program ?? 'the program that reads it')} is not installed`;
    return error.message;
  }
  // Numbers of a damaged file that lead out of it. By name: those of Buffer are not of every realm.
  if (['RangeError', 'SyntaxError'].includes(String((error as { name?: unknown }).name))) return 'it is damaged';
  throw error;
};

type Looked = { readonly opened: Opened | undefined } | { readonly why: string };

const look = async (blob: Blob, shop: Workshop): Promise<Looked> => {
  try {
    return { opened: await openThing(await formOf(blob), blob, shop) };
  } catch (error) {
    return { why: whyNot(error, shop.signal) };
  }
};

/** Facts that are not the same. */
const changesOf = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Change[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((what) => a[what] !== b[what])
    .map((what) => ({ what, before: a[what], after: b[what] }));

const kindOfPair = (a: Member, b: Member): Kind => (a.kind === b.kind ? a.kind : 'file');

const lonely = (path: readonly string[], member: Member, state: 'added' | 'removed', inside: number): Difference => {
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

/** How many of the names are below a folder, and only on the one side. */
const belowOf = (names: readonly string[], folder: string, other: ReadonlyMap<string, Member>): string[] =>
  names.filter((name) => name.startsWith(`${folder}/`) && !other.has(name));

interface Siblings {
  readonly children: Difference[];
  readonly changes: readonly Change[];
  readonly leftOut: number;
}

/** Members of which nothing but the time of the last change differs are counted, not listed: in another build all of them may. */
const timesOf = (changed: readonly { name: string; change: Change }[]): Change[] => {
  const [first] = changed;
  if (!first) return [];
  const what =
    changed.length === 1
      ? `last change of ${first.name}`
      : `last change of ${changed.length} members, for example ${first.name}`;
  return [{ what, before: first.change.before, after: first.change.after }];
};

const compareMembers = async (
  a: Opened,
  b: Opened,
  { path, depth }: Place,
  parts: WorkshopParts,
): Promise<Siblings> => {
  const { limits, budget, signal } = parts;
  const children: Difference[] = [];
  const times: { name: string; change: Change }[] = [];
  const covered = new Set<string>();
  let leftOut = 0;
  const list = (child: Difference): void => {
    if (children.length >= limits.listed || budget.differences >= limits.differences) {
      leftOut += 1;
      return;
    }
    budget.differences += 1;
    children.push(child);
  };
  const names = [...new Set([...a.members.keys(), ...b.members.keys()])].sort((x, y) => (x < y ? -1 : 1));
  for (const name of names) {
    signal?.throwIfAborted();
    if (covered.has(name)) continue;
    const [left, right] = [a.members.get(name), b.members.get(name)];
    const only = left ?? right;
    if (only && !(left && right)) {
      const inside = only.kind === 'folder' ? belowOf(names, name, left ? b.members : a.members) : [];
      for (const one of inside) covered.add(one);
      list(lonely([...path, name], only, left ? 'removed' : 'added', inside.length));
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
    if (content) list({ ...content, changes: [...changes.filter(({ what }) => what !== TIME), ...content.changes] });
    else if (change && changes.length === 1 && change.what === TIME) times.push({ name, change });
    else if (change)
      list({ path: [...path, name], kind: kindOfPair(left, right), state: 'differs', changes, children: [] });
  }
  return { children, changes: timesOf(times), leftOut };
};

const nodeOf = (a: Blob, b: Blob, { path, kind, note }: Place): Difference => ({
  path,
  kind,
  state: 'differs',
  sizes: { before: a.sizeBytes, after: b.sizeBytes },
  changes: [],
  note,
  children: [],
});

const joined = (...notes: readonly (string | undefined)[]): string | undefined =>
  notes.filter((note) => note !== undefined).join('; ') || undefined;

/** What is in a wrapping (compression, a virtual machine's disk format) is told on the level of the wrapping. */
const compareWrapped = async (
  base: Difference,
  a: Opened,
  b: Opened,
  place: Place,
  parts: WorkshopParts,
): Promise<Difference> => {
  const changes = changesOf(a.facts, b.facts);
  const [left, right] = [a, b].map(({ members }) => members.get('content')?.content);
  const inner = left && right && (await comparePair(left, right, { ...place, depth: place.depth + 1 }, parts));
  if (!inner)
    return {
      ...base,
      form: a.form,
      changes,
      note: joined(base.note, `the same content, packed differently (${a.form})`),
    };
  const form = [a.form, inner.form].filter((one) => one !== undefined).join(', ');
  return { ...inner, form, sizes: base.sizes, changes: [...changes, ...inner.changes] };
};

const compareOpened = async (
  [a, b]: readonly [Blob, Blob],
  [left, right]: readonly [Opened, Opened],
  place: Place,
  parts: WorkshopParts,
): Promise<Difference> => {
  const base = nodeOf(a, b, place);
  if (left.form !== right.form) return { ...base, changes: [{ what: 'form', before: left.form, after: right.form }] };
  if (place.depth >= parts.limits.depth)
    return { ...base, form: left.form, note: joined(base.note, 'nested too deep to look into') };
  if (left.isWrapping && right.isWrapping) return compareWrapped(base, left, right, place, parts);
  const { children, changes, leftOut } = await compareMembers(left, right, place, parts);
  const node = { ...base, form: left.form, changes: [...changesOf(left.facts, right.facts), ...changes], children };
  if (leftOut > 0) return { ...node, leftOut };
  if (children.length > 0 || node.changes.length > 0) return node;
  const { note, excerpt } = await compareBytes(a, b, parts.signal);
  return {
    ...node,
    note: joined(base.note, 'all that is in it is the same, and it is laid out differently', note),
    excerpt,
  };
};

/** Where a program is missing or does not answer, bytes have to do. */
const contentsOrBytes = async (a: Blob, b: Blob, shop: Workshop): Promise<Leaf> => {
  try {
    return await compareContents(a, b, shop);
  } catch (error) {
    const why = whyNot(error, shop.signal);
    const leaf = await compareBytes(a, b, shop.signal);
    return { ...leaf, note: joined(why, leaf.note) };
  }
};

const differ = async (a: Blob, b: Blob, place: Place, shop: Workshop, parts: WorkshopParts): Promise<Difference> => {
  const base = nodeOf(a, b, place);
  const [left, right] = [await look(a, shop), await look(b, shop)];
  if ('why' in left || 'why' in right) {
    const whys = ['why' in left && `before: ${left.why}`, 'why' in right && `after: ${right.why}`].filter(
      (why) => why !== false,
    );
    const bytes = await compareBytes(a, b, shop.signal);
    const note = joined(base.note, ...whys, bytes.note);
    return { ...base, state: 'unreadable', note, excerpt: bytes.excerpt };
  }
  if (left.opened && right.opened) return compareOpened([a, b], [left.opened, right.opened], place, parts);
  if (left.opened || right.opened) {
    const form = { what: 'form', before: left.opened?.form ?? 'data', after: right.opened?.form ?? 'data' };
    return { ...base, changes: [form] };
  }
  const { kind, note, excerpt } = await contentsOrBytes(a, b, shop);
  const isBlank = place.kind === 'hash tree';
  return {
    ...base,
    kind: place.kind === 'file' || place.kind === 'artifact' ? (kind === 'bytes' ? place.kind : kind) : place.kind,
    note: joined(base.note, note),
    excerpt: isBlank ? undefined : excerpt,
  };
};

/** @returns undefined when both are the same */
const comparePair = async (a: Blob, b: Blob, place: Place, parts: WorkshopParts): Promise<Difference | undefined> => {
  if (await areEqual(a, b, parts.signal)) return undefined;
  const shop = openWorkshop(parts);
  try {
    return await differ(a, b, place, shop, parts);
  } finally {
    await shop.close();
  }
};

/**
 * Compares two files from the top: what they are, what is in them, and what is in that, until there is nothing more inside. What is the same is
 * skipped; what is damaged or foreign becomes an entry that says so. Memory does not grow with the size of the files, and nothing of what is in them
 * becomes a file of this machine under a name of its own.
 *
 * @param before absolute path; so is `after`
 * @param name what the pair is called
 * @returns undefined when both are the same
 */
export const compareFiles = async (
  before: string,
  after: string,
  name: string,
  { runner, temp, limits, signal }: CompareParts,
): Promise<Difference | undefined> => {
  const budget = { unpackedBytes: 0, differences: 0 };
  const parts: WorkshopParts = { runner, temp, limits: { ...LIMITS, ...limits }, budget, signal };
  const shop = openWorkshop(parts);
  try {
    const place: Place = { path: [name], kind: 'artifact', depth: 0 };
    return await comparePair(await shop.open(before), await shop.open(after), place, parts);
  } finally {
    await shop.close();
  }
};
