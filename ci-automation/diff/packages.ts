import { printable } from '../../lib/compare/index.ts';

/** A package that is not the same on both sides; one side without a version: it is not there. */
export interface PackageChange {
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * The packages in a published list. Lines that are none are passed over.
 *
 * @param pattern regular expression with the groups `name` and `version`, from the tree's description
 * @returns versions by name; several of one name are joined
 */
export const parsePackages = (text: string, pattern: string): Map<string, string> => {
  const expression = new RegExp(pattern);
  const packages = new Map<string, string>();
  for (const line of text.split('\n')) {
    const { name, version } = expression.exec(line)?.groups ?? {};
    if (name === undefined || version === undefined) continue;
    const other = packages.get(name);
    packages.set(name, other === undefined ? version : `${other}, ${version}`);
  }
  return packages;
};

/** What was added, removed and changed, by name. */
export const comparePackages = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): PackageChange[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }));

/** One line for a terminal. */
export const packageLines = (changes: readonly PackageChange[]): string[] =>
  changes.map(({ name, before, after }) => {
    if (before === undefined) return printable(`    + ${name} ${after}`);
    if (after === undefined) return printable(`    - ${name} ${before}`);
    return printable(`    ~ ${name} ${before} → ${after}`);
  });

/** Which package each file is from, by path. @param pattern with the groups `package` and `path` */
export const parseOwners = (text: string, pattern: string): Map<string, string> => {
  const expression = new RegExp(pattern);
  const owners = new Map<string, string>();
  for (const line of text.split('\n')) {
    const { package: owner, path } = expression.exec(line)?.groups ?? {};
    if (owner !== undefined && path !== undefined) owners.set(path, owner);
  }
  return owners;
};
