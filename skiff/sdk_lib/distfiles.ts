import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import { log } from './log.ts';
import { type BasePackages, type ListedPackage, listNames, type SdkPackages } from './package-list.ts';
import { distfilesDir, treeDir } from './tree.ts';

/**
 * Distfiles are the inputs of later steps, fetched once through the package lists that the SDK pins: an old tag can be
 * built again when the mirror has moved on, and without any network.
 *
 * Every function takes the root that apt works in: the new SDK root while it is made, '/' in an SDK container.
 */

/** What the board is made of, with metapackages resolved. Stored as base.json beside the .deb files. */
export interface BasePlan {
  install: string[];
  unpack: string[];
  /** sha256 of the image/base.yaml that it was made from */
  listHash: string;
}

/** @returns identity of image/base.yaml, kept beside everything that is made from it: 64 hex */
export async function hashBaseList(): Promise<string> {
  return createHash('sha256')
    .update(await fs.readFile(path.join(treeDir, 'image/base.yaml')))
    .digest('hex');
}

/** Command words that put a program into a root; nothing for the running system itself. */
function enter(root: string): string[] {
  return root === '/' ? [] : ['chroot', root];
}

const aptOptions = ['-qq', '-y', '-o', 'Acquire::Retries=3', '-o', 'APT::Sandbox::User=root'];

/** Newest first dependency of a metapackage, for example linux-image-amd64 -> linux-image-6.1.0-42-amd64. */
async function resolveMetapackage(root: string, name: string): Promise<string> {
  const shown = await $({ quiet: true })`${enter(root)} apt-cache show --no-all-versions ${name}`;
  const depends = /^Depends: ([a-z0-9][a-z0-9+.-]+)/m.exec(shown.stdout)?.[1];
  if (!depends) throw new Fault(`image/base.yaml: ${name} is no metapackage`, 'remove its metapackage: true');
  return depends;
}

/** Resolves image/base.yaml to package names by the pinned lists. */
export async function planBase(root: string, base: BasePackages): Promise<BasePlan> {
  const resolve = (entry: ListedPackage) => (entry.metapackage ? resolveMetapackage(root, entry.name) : entry.name);
  const unpack = (await Promise.all(base.unpack.map(resolve))).sort(compareText);
  // The root is made merged; without this, apt takes the package that would merge it, and all of Perl with it.
  return { install: [...listNames(base.groups), 'usr-is-merged'], unpack, listHash: await hashBaseList() };
}

/** Keeps a plan beside the files that were fetched by it. */
export async function storePlan(root: string, plan: BasePlan): Promise<void> {
  await fs.writeFile(path.join(root, distfilesDir, 'base.json'), `${JSON.stringify(plan, null, 2)}\n`);
}

/** Reads the plan that the SDK carries. */
export async function loadPlan(): Promise<BasePlan> {
  return JSON.parse(await fs.readFile(path.join(distfilesDir, 'base.json'), 'utf8')) as BasePlan;
}

/** Writes the apt index of a folder of .deb files, which makes it a package mirror. */
async function indexDebs(root: string, folder: string): Promise<void> {
  const script = 'cd "$1" && apt-ftparchive packages . > Packages';
  await $({ quiet: true })`${enter(root)} sh -c ${script} sh ${folder}`;
}

/**
 * Fetches the .deb files of the target's root filesystem into distfiles/base; files that are there are not fetched again.
 * @param root root that apt works in
 * @param plan result of planBase
 */
export async function fetchBase(root: string, plan: BasePlan): Promise<void> {
  const folder = path.join(distfilesDir, 'base');
  // As if nothing was installed.
  const status = `${folder}/partial/status`;
  const store = ['-o', `Dir::State::status=${status}`, '-o', `Dir::Cache::archives=${folder}`];
  await $({ quiet: true })`${enter(root)} mkdir -p ${folder}/partial`;
  await $({ quiet: true })`${enter(root)} touch ${status}`;
  await $({
    quiet: true,
  })`${enter(root)} apt-get ${aptOptions} ${store} --no-install-recommends --download-only install ${'?essential'} ${plan.install}`;
  const download = 'cd "$1" && shift && exec apt-get "$@"';
  if (plan.unpack.length > 0) {
    await $({ quiet: true })`${enter(root)} sh -c ${download} sh ${folder} ${aptOptions} download ${plan.unpack}`;
  }
  await $({ quiet: true })`${enter(root)} rm -rf ${folder}/partial ${folder}/lock`;
  await indexDebs(root, folder);
}

/**
 * Fetches the cross compilers that are not part of the root into distfiles/cross-ARCH.
 * @param root root that apt works in
 * @param cross `cross` of sdk/packages.yaml
 */
export async function fetchCross(root: string, cross: SdkPackages['cross']): Promise<void> {
  for (const arch of Object.keys(cross).sort(compareText)) {
    const folder = path.join(distfilesDir, `cross-${arch}`);
    const names = listNames({ [arch]: cross[arch] ?? [] });
    const store = ['-o', `Dir::Cache::archives=${folder}`];
    await $({ quiet: true })`${enter(root)} mkdir -p ${folder}/partial`;
    await $({
      quiet: true,
    })`${enter(root)} apt-get ${aptOptions} ${store} --no-install-recommends --download-only install ${names}`;
    await $({ quiet: true })`${enter(root)} rm -rf ${folder}/partial ${folder}/lock`;
  }
}

/** Fetches into a folder of its own, then sorts the files into one folder per source package. */
const fetchScript = `
  mkdir -p "$1/src/.new" && cd "$1/src/.new" && shift || exit 1
  apt-get "$@" || exit 1
  for dsc in *.dsc; do
    name=$(sed -n 's/^Source: //p' "$dsc")
    rm -rf "../$name" && mkdir "../$name" || exit 1
    sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ [0-9a-f]* [0-9]* //p' "$dsc" | while read -r file; do
      ln "$file" "../$name/" || exit 1
    done || exit 1
    mv "$dsc" "../$name/" || exit 1
  done
  cd .. && rm -rf .new`;

async function trySources(root: string, sources: string[]): Promise<string | undefined> {
  const words = [...aptOptions, 'source', '--download-only', '--only-source', ...sources];
  const run = $({ quiet: true, nothrow: true });
  const ended = await run`${enter(root)} sh -c ${fetchScript} sh ${distfilesDir} ${words}`;
  return ended.exitCode === 0 ? undefined : ended.stderr.trim();
}

/** Versions of a source package in the pinned lists, newest first. */
async function listVersions(root: string, name: string): Promise<string[]> {
  const shown = await $({ quiet: true, nothrow: true })`${enter(root)} apt-cache showsrc --only-source ${name}`;
  const versions = [...new Set([...shown.stdout.matchAll(/^Version: (.*)$/gm)].map(([, version = '']) => version))];
  const newer = async (a: string, b: string) =>
    (await $({ quiet: true, nothrow: true })`dpkg --compare-versions ${a} gt ${b}`).exitCode === 0;
  const ranked = await Promise.all(
    versions.map(async (version) => ({
      version,
      rank: (await Promise.all(versions.map((other) => newer(other, version)))).filter(Boolean).length,
    })),
  );
  return ranked.sort((a, b) => a.rank - b.rank).map(({ version }) => version);
}

/** Mirrors sometimes list a version before, or after, they have its files: then the next older one is taken. */
async function fetchNewestPresent(root: string, source: string): Promise<void> {
  const versions = source.includes('=') ? [''] : (await listVersions(root, source)).map((version) => `=${version}`);
  const errors: string[] = [];
  for (const version of versions) {
    const error = await trySources(root, [`${source}${version}`]);
    if (error === undefined) {
      if (errors.length > 0)
        log(`the mirror lists newer sources of ${source} but does not have them; took ${version.slice(1)}`);
      return;
    }
    errors.push(error.split('\n').findLast((line) => line.startsWith('E:')) ?? error);
  }
  throw new Fault(
    `cannot fetch the Debian source package ${source}: ${errors[0] ?? 'it is not in the package lists of this SDK'}`,
    'check its name, and SKIFF_MIRROR; old versions stay available in the SDK that fetched them',
  );
}

/**
 * Fetches Debian source packages into distfiles/src/NAME (one version each: .dsc and the archives it lists). apt checks
 * them against the pinned lists.
 * @param root root that apt works in
 * @param sources words for apt-get source: name or name=version
 * @throws Fault for a source that no listed mirror has
 */
export async function fetchSources(root: string, sources: string[]): Promise<void> {
  if (sources.length === 0 || (await trySources(root, sources)) === undefined) return;
  for (const source of sources) await fetchNewestPresent(root, source);
}
