/** Keys by which the items of a list are the same ones on both sides. */
const ID_KEYS = ['SPDXID', 'id', 'name', 'path'] as const;

/** Longer values are shown by their beginning. */
const SHOWN = 120;

const show = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The key that every item has with a text of its own. */
const idKeyOf = (items: readonly unknown[]): string | undefined =>
  ID_KEYS.find((key) => {
    const ids = items.map((item) => (isObject(item) ? item[key] : undefined));
    return ids.every((id) => typeof id === 'string') && new Set(ids).size === ids.length;
  });

/** Items by what they are called: by an ID where all of both lists have one, else by their place. */
const keyed = (items: readonly unknown[], idKey: string | undefined): Map<string, unknown> =>
  new Map(
    items.map((item, index) => [
      idKey === undefined ? `[${index}]` : `[${JSON.stringify((item as Record<string, unknown>)[idKey])}]`,
      item,
    ]),
  );

const childrenOf = (a: unknown, b: unknown): readonly [Map<string, unknown>, Map<string, unknown>] | undefined => {
  if (Array.isArray(a) && Array.isArray(b)) {
    const key = idKeyOf(a) === idKeyOf(b) ? idKeyOf(a) : undefined;
    return [keyed(a, key), keyed(b, key)];
  }
  if (!isObject(a) || !isObject(b)) return undefined;
  const entries = (value: Record<string, unknown>) =>
    new Map(
      Object.entries(value).map(([name, one]) => [/^\w+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`, one]),
    );
  return [entries(a), entries(b)];
};

/** Nested deeper nothing of ours is; who nests deeper wants our stack. */
const MOST_DEPTH = 200;

/**
 * The differences of two JSON values, one line per key, `-` removed, `+` added, `~` changed.
 *
 * @example compareJson({ a: 1 }, { a: 2 }) // ['~ $.a: 1 → 2']
 */
export const compareJson = (before: unknown, after: unknown): string[] => {
  const lines: string[] = [];
  const walk = (a: unknown, b: unknown, path: string, depth: number): void => {
    const children = depth < MOST_DEPTH ? childrenOf(a, b) : undefined;
    if (!children) {
      if (JSON.stringify(a) !== JSON.stringify(b)) lines.push(`~ ${path}: ${show(a)} → ${show(b)}`);
      return;
    }
    const [left, right] = children;
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      if (!right.has(key)) lines.push(`- ${path}${key}: ${show(left.get(key))}`);
      else if (!left.has(key)) lines.push(`+ ${path}${key}: ${show(right.get(key))}`);
      else walk(left.get(key), right.get(key), `${path}${key}`, depth + 1);
    }
  };
  walk(before, after, '$', 0);
  return lines;
};
