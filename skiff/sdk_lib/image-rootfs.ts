import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import { linkApplets } from './image-busybox.ts';
import type { ImageJob } from './image-job.ts';
import { copyOverlay } from './image-overlay.ts';
import {
  type BasePackage,
  type BuiltPackage,
  checkDependencies,
  type ImagePackage,
  readDeb,
  readInstalled,
} from './image-packages.ts';
import { prune } from './image-prune.ts';
import { formatOsRelease, formatRelease } from './image-release.ts';
import { run } from './image-run.ts';
import { editFiles, linkUnits, makeFolders, readSystemPlan } from './image-system.ts';

/** Where a pristine copy of everything outside /usr lies in /usr: for an empty ROOT and for live systems. */
export const factoryFolder = 'usr/share/skiff/factory';

/**
 * Puts the root filesystem of the target together: base system, our packages over it, then image/system.yaml and
 * image/overlay. The packages' own scripts are not run.
 * @returns the packages that have something in the image, by name
 * @throws Fault when an input is missing or does not fit
 */
export async function assembleRoot(job: ImageJob): Promise<ImagePackage[]> {
  const { root, assets } = job;
  await fs.mkdir(root, { recursive: true, mode: 0o755 });
  await unpackBase(job);
  const built = await unpackBuilt(job);
  const packages = await listPackages(job, built);
  checkDependencies(built, packages);
  const plan = await readSystemPlan(path.join(assets, 'system.yaml'));
  await keepKernelFiles(job);
  await prune(root, plan.prune);
  await editFiles(root, plan.edits);
  await copyOverlay(path.join(assets, 'overlay'), root);
  await makeFolders(root, plan);
  await linkApplets(job, plan.applets);
  await linkUnits(root, plan.wants);
  await writeReleaseFiles(job);
  await run(job)`ldconfig -r ${root}`;
  await fs.rm(path.join(root, 'var/cache/ldconfig'), { recursive: true, force: true });
  return keepPresent(root, packages);
}

async function unpackBase(job: ImageJob): Promise<void> {
  const base = path.join(job.boardDir, 'base.tar.zst');
  await requireFile(base, 'the SDK container image has not been set up for this board');
  const folders = ['./dev/*', './proc/*', './sys/*', './run/*', './tmp/*'];
  await run(
    job,
  )`tar -x -p --numeric-owner -C ${job.root} --wildcards ${folders.map((name) => `--exclude=${name}`)} -I zstd -f ${base}`;
}

/** Unpacks the binary packages of the recipes; --keep-directory-symlink because a .deb may still have ./bin. */
async function unpackBuilt(job: ImageJob): Promise<ImagePackage[]> {
  const folder = path.join(job.boardDir, 'var/lib/skiff/pkgs');
  await requireFile(path.join(folder, 'index.json'), 'no packages were built in this container: run build_packages');
  const index = JSON.parse(await fs.readFile(path.join(folder, 'index.json'), 'utf8')) as BuiltPackage[];
  const packages: ImagePackage[] = [];
  for (const { file, sha256 } of index.toSorted((a, b) => compareText(a.name, b.name))) {
    const deb = path.join(folder, path.basename(file));
    await requireFile(deb, `index.json lists ${file}: run build_packages again`);
    await run(job)`dpkg-deb --fsys-tarfile ${deb} | tar -x -p --numeric-owner --keep-directory-symlink -C ${job.root}`;
    packages.push({ ...(await readDeb(deb, 'skiff')), sha256 });
  }
  return packages;
}

/** Base packages from dpkg's database, what was only unpacked, and ours; ours replace those of the same name. */
async function listPackages(job: ImageJob, built: ImagePackage[]): Promise<ImagePackage[]> {
  const file = path.join(job.boardDir, 'base.packages.json');
  await requireFile(file, 'the SDK container image has not been set up for this board');
  const base = JSON.parse(await fs.readFile(file, 'utf8')) as BasePackage[];
  const installed = new Map((await readInstalled(job.root)).map((entry) => [entry.name, entry]));
  const debian = base.map((entry): ImagePackage => {
    const unpacked = { files: [], depends: '', provides: '', origin: 'debian' as const };
    return { ...unpacked, ...installed.get(entry.name), ...entry };
  });
  const ours = new Set(built.map(({ name }) => name));
  const all = [...debian.filter(({ name }) => !ours.has(name)), ...built];
  return all.toSorted((a, b) => compareText(a.name, b.name));
}

/** Keeps the kernel's configuration with its modules, and the kernel and the boot loader where the next phases find them. */
async function keepKernelFiles({ root, work }: ImageJob): Promise<void> {
  const boot = path.join(root, 'boot');
  const kernels = (await fs.readdir(boot)).filter((name) => name.startsWith('vmlinuz-'));
  const [kernel] = kernels;
  if (!kernel || kernels.length > 1) {
    throw new Fault(
      `base.tar.zst has ${kernels.length} kernels (${kernels.join(', ')}), expected one`,
      'see image/base.yaml',
    );
  }
  const release = kernel.slice('vmlinuz-'.length);
  await fs.rename(path.join(boot, kernel), path.join(work, 'vmlinuz'));
  await fs.copyFile(path.join(boot, `config-${release}`), path.join(work, 'vmlinuz.config'));
  await fs.rename(path.join(boot, `config-${release}`), path.join(root, 'usr/lib/modules', release, 'config'));
  await fs.copyFile(path.join(root, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi'), path.join(work, 'BOOTX64.EFI'));
}

async function writeReleaseFiles(job: ImageJob): Promise<void> {
  const share = path.join(job.root, 'usr/share/skiff');
  await fs.mkdir(share, { recursive: true });
  await fs.writeFile(path.join(job.root, 'usr/lib/os-release'), formatOsRelease(job));
  await fs.writeFile(path.join(share, 'release'), formatRelease(job, await readOfficial(job.boardDir)));
  // Made at the first start of each machine. Empty, not missing: systemd then does not take it for a first boot with all
  // its questions. The two other files say that /etc and /var belong to this /usr, so nothing is rebuilt at the first start.
  await fs.writeFile(path.join(job.root, 'etc/machine-id'), '');
  const stamp = `TIMESTAMP_NSEC=${job.epoch}000000000\n`;
  for (const folder of ['etc', 'var']) await fs.writeFile(path.join(job.root, folder, '.updated'), stamp);
}

/** What set_official said in this container; a board that was never asked is not official. */
async function readOfficial(boardDir: string): Promise<boolean> {
  const text = await fs.readFile(path.join(boardDir, 'etc/skiff/official'), 'utf8').catch(() => '');
  return text.trim() === 'official';
}

/** A package counts when a file of it is left; what was only there to install the others goes, with its copyright file. */
async function keepPresent(root: string, packages: ImagePackage[]): Promise<ImagePackage[]> {
  const present = await Promise.all(packages.map((entry) => isPresent(root, entry)));
  const docs = new Set(await fs.readdir(path.join(root, 'usr/share/doc')));
  for (const { name } of packages.filter((_, index) => present[index])) docs.delete(name);
  for (const name of docs) await fs.rm(path.join(root, 'usr/share/doc', name), { recursive: true });
  return packages.filter((_, index) => present[index]);
}

async function isPresent(root: string, { files }: ImagePackage): Promise<boolean> {
  if (files.length === 0) return true;
  for (const file of files) {
    if (file === '' || file.startsWith('usr/share/doc/')) continue;
    const stat = await fs.lstat(path.join(root, file)).catch(() => undefined);
    if (stat && !stat.isDirectory()) return true;
  }
  return false;
}

async function requireFile(file: string, hint: string): Promise<void> {
  const stat = await fs.stat(file).catch(() => undefined);
  if (!stat?.isFile()) throw new Fault(`${file} is missing`, hint);
}
