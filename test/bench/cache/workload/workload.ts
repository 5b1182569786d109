import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipe } from '../shell.ts';
import { BOARD, epochOf, MADE_NIGHTS, type MadeNight, type Night, type RootList, SDK, suitesOf } from './lists.ts';
import { makeRoot, readVersions } from './make-root.ts';

/** Change it when roots are made or packed in another way. */
const FORMAT = 1;

/** What was made for one night; sizes in bytes. */
export interface NightFacts {
  readonly sdkTarBytes: number;
  readonly layerTarBytes: number;
  /** Package to version, per root. */
  readonly versions: Readonly<Record<RootList['name'], Readonly<Record<string, string>>>>;
}

/** The tars that images are made from. */
export interface Workload {
  readonly folder: string;
  readonly facts: Readonly<Record<MadeNight, NightFacts>>;
  /** zstd-compressed tar of the SDK's root, and of the layer on top of it (paths from `/`); `touched` is to be made from `first`. */
  tars(night: Night): { readonly sdk: string; readonly layer: string; readonly touched: boolean };
}

/** Where the workload stays between runs: `SLIPWAY_BENCH_CACHE`, else below the user's cache folder. */
export const defaultCacheFolder = (env: NodeJS.ProcessEnv): string =>
  env.SLIPWAY_BENCH_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway', 'bench-cache');

const keyOf = (): string =>
  createHash('sha256')
    .update(JSON.stringify([FORMAT, SDK, BOARD, MADE_NIGHTS.map((night) => [night, suitesOf(night), epochOf(night)])]))
    .digest('hex')
    .slice(0, 16);

const isKernelImage = (name: string): boolean => /^linux-image-\d/.test(name);

/** A later night that keeps its kernel asks for the very package of the first night. */
const packagesOf = (list: RootList, night: MadeNight, first: NightFacts | undefined): string[] => {
  if (night !== 'userland') return [...list.packages, list.kernel.metapackage];
  const kernels = Object.entries(first?.versions[list.name] ?? {})
    .map(([name, version]) => `${name.replace(/:.*$/, '')}=${version}`)
    .filter(isKernelImage);
  if (kernels.length !== 1) throw new Error(`expected one kernel in the first ${list.name} root, found ${kernels}`);
  return [...list.packages, ...kernels];
};

/** A package's name without the number of the kernel that is part of it. */
const stableName = (deb: string): string => deb.replace(/_.*$/, '').replace(/\d+(\.\d+)+-\d+/, 'ABI');

/** Half of the .deb files, always the same ones by name. */
const isKeptDeb = (deb: string): boolean => (createHash('sha256').update(stableName(deb)).digest()[0] ?? 0) % 2 === 0;

/** Packs the same files to the same bytes: sorted, numeric owners, no time after the epoch. */
const pack = async (folder: string, file: string, epoch: number): Promise<number> => {
  const words = [folder, `@${epoch}`, file];
  const tar = 'tar -C "$1" --sort=name --numeric-owner --format=gnu --mtime="$2" --clamp-mtime -cf - .';
  const bytes = await pipe(`${tar} | tee >(zstd -q -T0 -3 -f -o "$3.part") | wc -c`, ...words);
  await rename(`${file}.part`, file);
  return Number(bytes);
};

const makeOne = async (night: MadeNight, folder: string, first: NightFacts | undefined): Promise<NightFacts> => {
  const work = join(folder, `work-${night}`);
  await rm(work, { recursive: true, force: true });
  const layer = join(work, 'layer');
  await mkdir(join(layer, 'build'), { recursive: true });
  const [suites, epoch] = [suitesOf(night), epochOf(night)];
  const make = (list: RootList, root: string, debsTo?: string): Promise<void> =>
    makeRoot({ packages: packagesOf(list, night, first), suites, epoch, root, work, debsTo });

  await make(SDK, join(work, 'sdk'));
  const sdkVersions = await readVersions(join(work, 'sdk'));
  const sdkTarBytes = await pack(join(work, 'sdk'), join(folder, `sdk-${night}.tar.zst`), epoch);
  await rm(join(work, 'sdk'), { recursive: true });

  const [board, debs] = [join(layer, 'build/amd64-usr'), join(layer, 'build/amd64-usr-pkgs')];
  await make(BOARD, board, debs);
  for (const name of await readdir(debs)) if (!isKeptDeb(name)) await rm(join(debs, name));
  const boardVersions = await readVersions(board);
  const layerTarBytes = await pack(layer, join(folder, `layer-${night}.tar.zst`), epoch);
  await rm(work, { recursive: true });
  return { sdkTarBytes, layerTarBytes, versions: { sdk: sdkVersions, board: boardVersions } };
};

/** Old workloads, whose lists have changed. */
const removeOthers = async (parent: string, key: string): Promise<void> => {
  for (const name of await readdir(parent)) {
    if (/^[0-9a-f]{16}$/.test(name) && name !== key) await rm(join(parent, name), { recursive: true });
  }
};

/**
 * Makes the workload, or takes the one that an earlier run left.
 *
 * @param parent absolute path of the folder in which workloads stay; one is about 2 GB, and 4 GB more while it is made
 * @param say gets a line per slow thing
 */
export const openWorkload = async (parent: string, say: (line: string) => void): Promise<Workload> => {
  const key = keyOf();
  const folder = join(parent, key);
  await mkdir(folder, { recursive: true });
  await removeOthers(parent, key);
  const facts: Partial<Record<MadeNight, NightFacts>> = {};
  for (const night of MADE_NIGHTS) {
    const file = join(folder, `${night}.json`);
    if (!existsSync(file)) {
      if (process.getuid?.() !== 0)
        throw new Error('mmdebstrap makes the workload as root: run the first time as root.');
      say(`making the ${night} night's root filesystems from Debian packages`);
      const made = await makeOne(night, folder, facts.first);
      await writeFile(`${file}.part`, `${JSON.stringify(made, null, 1)}\n`);
      // Last: its presence says that the tars are complete.
      await rename(`${file}.part`, file);
    }
    facts[night] = JSON.parse(readFileSync(file, 'utf8')) as NightFacts;
  }
  const tars: Workload['tars'] = (night) => {
    const source = night === 'touched' ? 'first' : night;
    const at = (part: string): string => join(folder, `${part}-${source}.tar.zst`);
    return { sdk: at('sdk'), layer: at('layer'), touched: night === 'touched' };
  };
  return { folder, facts: facts as Record<MadeNight, NightFacts>, tars };
};

/** Names of packages whose version differs between two nights, per root. */
export const changedPackages = (from: NightFacts, to: NightFacts, root: RootList['name']): string[] => {
  const [before, after] = [from.versions[root], to.versions[root]];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort((a, b) => (a < b ? -1 : 1));
};

/** Bytes of a file. */
export const sizeOf = async (file: string): Promise<number> => (await stat(file)).size;
