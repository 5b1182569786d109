import { join } from 'node:path';
import type { ArtifactCache } from '../../lib/cache/index.ts';
import { type Change, compareFiles, type Difference } from '../../lib/compare/index.ts';
import type { Log } from '../../lib/log/index.ts';
import type { Runner } from '../../lib/process/index.ts';
import { type Build, fetchText, imagesToCompare } from './builds.ts';
import type { GitLog } from './git-log.ts';
import { compareKernelConfigs } from './kernel-config.ts';
import { comparePackages, type PackageChange, parseOwners, parsePackages } from './packages.ts';
import { compareSizes, parseContents, type SizeChange, sumBy, sumByFolder, totalOf } from './sizes.ts';

/** What two builds differ in. A list that one of them does not have is undefined. */
export interface BuildDiff {
  readonly before: string;
  readonly after: string;
  readonly packages?: readonly PackageChange[];
  readonly size?: {
    /** Bytes of all files. */
    readonly total: { readonly before: number; readonly after: number };
    readonly byPackage?: readonly SizeChange[];
    readonly byFolder: readonly SizeChange[];
  };
  readonly kernelConfig?: readonly Change[];
  readonly log?: GitLog;
  /** Files that only one of them has. */
  readonly artifacts: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** The images that were compared; undefined: not compared. */
  readonly images?: readonly { readonly name: string; readonly difference?: Difference }[];
}

/** What comparing works with. */
export interface BuildDiffParts {
  readonly cache: ArtifactCache;
  readonly runner: Runner;
  readonly log: Log;
  /** Absolute path of an own folder. */
  readonly temp: string;
  readonly signal: AbortSignal;
}

type Pair = readonly [Build, Build];

const textsOf = async ([before, after]: Pair, name: string | undefined, { cache, temp }: BuildDiffParts) => {
  const left = await fetchText(cache, before, name, join(temp, 'before'));
  const right = await fetchText(cache, after, name, join(temp, 'after'));
  return left === undefined || right === undefined ? undefined : ([left, right] as const);
};

const diffPackages = async (pair: Pair, parts: BuildDiffParts): Promise<PackageChange[] | undefined> => {
  const { packages } = pair[1].tree.image.lists;
  const texts = packages && (await textsOf(pair, packages.file, parts));
  return texts && comparePackages(parsePackages(texts[0], packages.line), parsePackages(texts[1], packages.line));
};

const diffSizes = async (pair: Pair, parts: BuildDiffParts): Promise<BuildDiff['size']> => {
  const { contents, owners } = pair[1].tree.image.lists;
  const texts = contents && (await textsOf(pair, contents.file, parts));
  if (!contents || !texts) return undefined;
  const [before, after] = [parseContents(texts[0], contents.line), parseContents(texts[1], contents.line)];
  const total = { before: totalOf(before), after: totalOf(after) };
  const byFolder = compareSizes(sumByFolder(before), sumByFolder(after));
  const ownerTexts = owners && (await textsOf(pair, owners.file, parts));
  if (!owners || !ownerTexts) return { total, byFolder };
  const [left, right] = [parseOwners(ownerTexts[0], owners.line), parseOwners(ownerTexts[1], owners.line)];
  const byPackage = compareSizes(
    sumBy(before, (path) => left.get(path)),
    sumBy(after, (path) => right.get(path)),
  );
  return { total, byFolder, byPackage };
};

const diffImages = async ([before, after]: Pair, format: string | undefined, parts: BuildDiffParts) => {
  const { cache, runner, log, temp, signal } = parts;
  const images: { name: string; difference?: Difference }[] = [];
  for (const name of imagesToCompare(before, after, format)) {
    const [left, right] = await log.phase(`fetch ${name}`, async () => [
      await cache.fetch(`${before.folder}/${name}`, join(temp, 'before')),
      await cache.fetch(`${after.folder}/${name}`, join(temp, 'after')),
    ]);
    const difference = await log.phase(`compare ${name}`, () =>
      compareFiles(left?.file ?? '', right?.file ?? '', name, { runner, temp, signal }),
    );
    images.push({ name, difference });
  }
  return images;
};

/** Compares two builds; the images only when they are asked for. */
export const compareBuilds = async (
  pair: Pair,
  { format, listsOnly, log }: { format: string | undefined; listsOnly: boolean; log: GitLog | undefined },
  parts: BuildDiffParts,
): Promise<BuildDiff> => {
  const [before, after] = pair;
  const config = await textsOf(pair, after.tree.image.lists.kernelConfig, parts);
  return {
    before: before.version,
    after: after.version,
    packages: await diffPackages(pair, parts),
    size: await diffSizes(pair, parts),
    kernelConfig: config && compareKernelConfigs(...config),
    log,
    artifacts: {
      added: after.names.filter((name) => !before.names.includes(name)),
      removed: before.names.filter((name) => !after.names.includes(name)),
    },
    images: listsOnly ? undefined : await diffImages(pair, format, parts),
  };
};
