/** How much something takes on either side, in bytes. */
export interface SizeChange {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** Sizes of files by path. @param pattern with the groups `path` and `size` */
export const parseContents = (text: string, pattern: string): Map<string, number> => {
  const expression = new RegExp(pattern);
  const sizes = new Map<string, number>();
  for (const line of text.split('\n')) {
    const { path, size } = expression.exec(line)?.groups ?? {};
    if (path !== undefined && size !== undefined) sizes.set(path, Number(size));
  }
  return sizes;
};

/** Levels of folders that are told apart. */
const LEVELS = 3;

const folderOf = (path: string): string => {
  const folders = path.split('/').slice(1, -1).slice(0, LEVELS);
  return `/${folders.join('/')}`;
};

/** Sums by a name; files without one do not count. */
export const sumBy = (
  sizes: ReadonlyMap<string, number>,
  nameOf: (path: string) => string | undefined,
): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const [path, size] of sizes) {
    const name = nameOf(path);
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + size);
  }
  return sums;
};

/** Sums by folder, no more than so many levels deep. */
export const sumByFolder = (sizes: ReadonlyMap<string, number>): Map<string, number> => sumBy(sizes, folderOf);

/** What is not the same, the largest difference first. */
export const compareSizes = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): SizeChange[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name) ?? 0, after: after.get(name) ?? 0 }))
    .filter((change) => change.before !== change.after)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || (a.name < b.name ? -1 : 1));

/** Bytes of all of them. */
export const totalOf = (sizes: ReadonlyMap<string, number>): number =>
  [...sizes.values()].reduce((sum, size) => sum + size, 0);
