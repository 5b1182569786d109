import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { flatten } from '../../lib/compare/index.ts';
import { readTreeDescription, type TreeDescription } from '../../lib/tree/index.ts';
import { comparePackages, type PackageChange, parseOwners, parsePackages } from '../diff/packages.ts';
import type { RunOutcome } from './outcome.ts';
import type { FinishedRun } from './run.ts';
import type { ReproduceFolders } from './workspace.ts';

type Lists = TreeDescription['image']['lists'];

const readOr = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Packages whose version is another one in the list of packages. */
const byVersion = async ({ artifacts }: RunOutcome, cache: string, folders: ReproduceFolders, { packages }: Lists) => {
  const list = artifacts.find(
    ({ path, state }) => state === 'differs' && packages !== undefined && path.endsWith(`/${packages.file}`),
  );
  if (!list || !packages) return [];
  const [before, after] = [await readOr(join(folders.published, list.path)), await readOr(join(cache, list.path))];
  return comparePackages(parsePackages(before, packages.line), parsePackages(after, packages.line));
};

/** Where a file of a partition is when the system runs: `/usr` is a partition of its own. */
const PREFIXES = ['', '/usr'];

/** Packages that a differing file is from. */
const byFile = async (
  { run, artifacts }: RunOutcome,
  cache: string,
  { owners, packages }: Lists,
): Promise<PackageChange[]> => {
  const [some] = run.outputs;
  if (!owners || !some) return [];
  const texts = (file: string): Promise<string> => readOr(join(cache, dirname(some.path), file));
  const ownerOf = parseOwners(await texts(owners.file), owners.line);
  const versions = packages ? parsePackages(await texts(packages.file), packages.line) : new Map<string, string>();
  const names = new Map<string, string[]>();
  for (const { difference } of artifacts) {
    for (const { path } of difference ? flatten(difference) : []) {
      const file = path.find((part) => part.startsWith('/'));
      const owner = file && PREFIXES.map((prefix) => ownerOf.get(prefix + file)).find((one) => one !== undefined);
      if (file && owner) names.set(owner, [...new Set([...(names.get(owner) ?? []), file])]);
    }
  }
  return [...names].map(([name, files]) => {
    const version = versions.get(name) ?? '';
    const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
    return { name, before: version, after: `${version}, other content: ${files[0]}${more}` };
  });
};

/** The packages that what differs is from. */
export const changedPackages = async (
  outcomes: readonly RunOutcome[],
  finished: readonly FinishedRun[],
  folders: ReproduceFolders,
): Promise<PackageChange[]> => {
  const { lists } = (await readTreeDescription(folders.tree)).image;
  const changes = new Map<string, PackageChange>();
  for (const [index, outcome] of outcomes.entries()) {
    const cache = finished[index]?.folders.cache ?? '';
    if (outcome.run.step !== 'image') continue;
    for (const change of await byFile(outcome, cache, lists)) changes.set(change.name, change);
    // What the list says of a package is said better.
    for (const change of await byVersion(outcome, cache, folders, lists)) changes.set(change.name, change);
  }
  return [...changes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
};
