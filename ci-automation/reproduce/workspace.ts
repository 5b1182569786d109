import { cp, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReproducePlan } from './plan.ts';

/** Where a reproduction of one version works. Absolute paths. */
export interface ReproduceFolders {
  readonly root: string;
  /** The plan, as it was fetched for. */
  readonly plan: string;
  /** A bare clone; what steps push goes here. */
  readonly origin: string;
  /** A clone whose only use are the submodules in it. */
  readonly modules: string;
  /** What was fetched, as a cache of its own. */
  readonly inputs: string;
  /** Published artifacts, to look into. */
  readonly published: string;
  /** A description of the tree with container names of our own. */
  readonly tree: string;
  /** Settings of the steps. */
  readonly config: string;
  readonly report: string;
  readonly temp: string;
}

/** @param cacheDir SLIPWAY_CACHE_DIR @param version cache form */
export const foldersOf = (cacheDir: string, version: string): ReproduceFolders => {
  const root = join(cacheDir, 'reproduce', version);
  const at = (name: string): string => join(root, name);
  return {
    root,
    plan: at('plan.json'),
    origin: at('origin.git'),
    modules: at('modules'),
    inputs: at('inputs'),
    published: at('published'),
    tree: at('tree.yaml'),
    config: at('ci-config.env'),
    report: at('report.html'),
    temp: at('temp'),
  };
};

/** Where one run works: a checkout, and the cache that it reads and writes. */
export interface RunFolders {
  readonly tree: string;
  readonly cache: string;
}

/** A chain has one checkout per tag and one cache; else each run has its own. */
export const runFolders = (
  { root }: ReproduceFolders,
  { isChained }: ReproducePlan,
  key: string,
  tag: string,
): RunFolders =>
  isChained
    ? { tree: join(root, 'chain', tag), cache: join(root, 'chain', 'cache') }
    : { tree: join(root, 'runs', key, 'tree'), cache: join(root, 'runs', key, 'cache') };

/** The plan that something was fetched for, or undefined. */
export const readPlan = async ({ plan }: ReproduceFolders): Promise<ReproducePlan | undefined> => {
  try {
    return JSON.parse(await readFile(plan, 'utf8')) as ReproducePlan;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Appears by rename, when all that it plans is there. */
export const writePlan = async (folders: ReproduceFolders, plan: ReproducePlan): Promise<void> => {
  await mkdir(folders.root, { recursive: true });
  await writeFile(`${folders.plan}.new`, `${JSON.stringify(plan, undefined, 2)}\n`);
  await rename(`${folders.plan}.new`, folders.plan);
};

const COMPANIONS = ['', '.DIGESTS'];

/** Puts fetched artifacts into the cache of a run, without copying where that is possible. Files of a cache are replaced, never written to. */
export const layOut = async (from: string, to: string, paths: readonly string[]): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const path of paths.flatMap((one) => COMPANIONS.map((ending) => `${one}${ending}`))) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await rm(join(to, path), { force: true });
    await link(join(from, path), join(to, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      return cp(join(from, path), join(to, path));
    });
  }
};

/** Files below a folder that are no digests or signatures, relative, sorted. */
export const artifactsIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !/\.(DIGESTS|sig|asc)$/.test(path) && !path.startsWith('.staging/'))
    .sort();
};
