import fs from 'node:fs/promises';
import path from 'node:path';
import { assembleTarOptions, removeTraces } from './archive.ts';
import { writeBasePackages } from './base-manifest.ts';
import { type BasePlan, fetchBase, hashBaseList, loadPlan, planBase, storePlan } from './distfiles.ts';
import { assembleEatmydata } from './eatmydata.ts';
import { log } from './log.ts';
import { type BasePackages, readBasePackages } from './package-list.ts';
import { runLogged } from './run-logged.ts';
import { distfilesDir, getBoardDir } from './tree.ts';

/** The plan of the SDK's own bootstrap when image/base.yaml is still the same, else a new one by the pinned lists. */
async function getBasePlan(base: BasePackages): Promise<BasePlan> {
  const stored = await loadPlan();
  if (stored.listHash === (await hashBaseList())) return stored;
  log('image/base.yaml is not the one of the SDK: fetching what is missing by the pinned package lists');
  const plan = await planBase('/', base);
  await fetchBase('/', plan);
  await storePlan('/', plan);
  return plan;
}

function assembleArguments(base: BasePackages, plan: BasePlan, root: string): string[] {
  return [
    '--mode=root',
    '--format=directory',
    '--variant=essential',
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    '--skip=chroot/mount',
    '--dpkgopt=force-unsafe-io',
    ...base.exclude.map((glob) => `--dpkgopt=path-exclude=${glob}`),
    ...base.include.map((glob) => `--dpkgopt=path-include=${glob}`),
    '--aptopt=APT::Install-Recommends "false"',
    `--include=${plan.install.join(',')}`,
    '',
    root,
    // Trusted without a signature: apt checked these files when it fetched them, the SDK tarball's digest since then.
    `deb [trusted=yes] copy:${path.join(distfilesDir, 'base')} ./`,
  ];
}

/** .deb files of the distfiles by package name; the folder holds one version of each. */
async function findDebs(names: string[]): Promise<string[]> {
  const folder = path.join(distfilesDir, 'base');
  const files = await fs.readdir(folder);
  return files.filter((file) => names.includes(file.split('_')[0] ?? '')).map((file) => path.join(folder, file));
}

async function makeRoot(root: string, base: BasePackages, plan: BasePlan, epoch: number): Promise<void> {
  const logFile = path.join(root, '../../var/log/base.log');
  const fast = assembleEatmydata();
  const env = { ...process.env, ...fast.env, SOURCE_DATE_EPOCH: String(epoch) };
  await runLogged(['mmdebstrap', ...fast.options, ...assembleArguments(base, plan, root)], { env, logFile });
  if (plan.unpack.length > 0) {
    log(`unpacking ${plan.unpack.join(', ')}`);
    // Inside, not with --root: dpkg must see the target's own users.
    const folder = path.join(root, 'tmp/unpack');
    await fs.mkdir(folder);
    for (const deb of await findDebs(plan.unpack)) await fs.copyFile(deb, path.join(folder, path.basename(deb)));
    const unpack = ['dpkg', '--force-unsafe-io', '--unpack', '--recursive', '/tmp/unpack'];
    await runLogged(['chroot', root, ...unpack], { env, logFile });
  }
}

/**
 * Makes a board's base.tar.zst and base.packages.json: the root filesystem of the Debian packages in image/base.yaml, from
 * the distfiles, without network. Does nothing when they are there and image/base.yaml has not changed since.
 * @param board for example amd64-usr
 * @param epoch latest file time in the archive, seconds
 */
export async function setUpBoard(board: string, epoch: number): Promise<void> {
  const boardDir = getBoardDir(board);
  const stamp = path.join(boardDir, 'base.yaml.sha256');
  const listHash = await hashBaseList();
  if ((await fs.readFile(stamp, 'utf8').catch(() => '')) === listHash) return;
  const base = await readBasePackages();
  const root = path.join(boardDir, 'tmp/base');
  await fs.rm(path.dirname(root), { recursive: true, force: true });
  await fs.mkdir(path.dirname(root), { recursive: true });
  log(`making the root filesystem of ${board}`);
  const plan = await getBasePlan(base);
  await makeRoot(root, base, plan, epoch);
  await writeBasePackages(root, path.join(boardDir, 'base.packages.json'));
  await removeTraces(root);
  await fs.rm(path.join(root, 'etc/apt/sources.list'), { force: true });
  log('packing base.tar.zst');
  const tarball = path.join(boardDir, 'base.tar.zst');
  // Lightly: the container images that carry it are compressed well, but saved and committed often.
  await $({ quiet: true })`tar ${assembleTarOptions(root, epoch)} -I ${'zstd -T0 -2'} -cf ${tarball} .`;
  await fs.rm(path.dirname(root), { recursive: true, force: true });
  await fs.writeFile(stamp, listHash);
}
