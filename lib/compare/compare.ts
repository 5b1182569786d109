import type { Runner } from '../process/index.ts';
import { areEqual, type Blob } from './blob.ts';
import { compareBytes } from './leaf.ts';
import { contentsOrBytes, look } from './look.ts';
import { type ComparePair, compareMembers } from './members.ts';
import { changesOf, joined, nodeOf, type Place } from './node.ts';
import { type Difference, LIMITS, type Limits, type Opened } from './types.ts';
import { openWorkshop, type Workshop, type WorkshopParts } from './workshop.ts';

/** What comparing works with. */
export interface CompareParts {
  /** Runs programs in silence. */
  readonly runner: Runner;
  /** Absolute path of an own folder for what is unpacked; empty again afterwards. */
  readonly temp: string;
  readonly limits?: Partial<Limits>;
  readonly signal?: AbortSignal;
}

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
  const { children, changes, leftOut } = await compareMembers([left, right], place, parts, comparePair);
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

const comparePair: ComparePair = async (a, b, place, parts) => {
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
