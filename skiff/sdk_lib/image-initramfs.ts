import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';
import { busyboxPath, checkApplets } from './image-busybox.ts';
import { type ImageJob, workFile } from './image-job.ts';
import { findLibraries } from './image-libraries.ts';
import { getKernelRelease, resolveModules } from './image-modules.ts';
import { resolveIn } from './image-prune.ts';
import { run } from './image-run.ts';

interface Listed {
  name: string;
  why: string;
}

/** image/initramfs/contents.yaml */
interface Contents {
  programs: Listed[];
  applets: string[];
  always: Listed[];
  devices: Listed[];
  live: Listed[];
}

/** Same links as in the system, so that paths inside programs and `#!` lines fit; one folder for all programs. */
const links = { bin: 'usr/bin', sbin: 'usr/bin', lib: 'usr/lib', lib64: 'usr/lib64', 'usr/sbin': 'bin' };
const mountPoints = ['dev', 'etc', 'proc', 'run', 'sys', 'sysroot', 'tmp', 'usr/bin', 'usr/lib64'];

/**
 * Packs the initramfs: busybox, dmsetup, e2fsck, drivers, and image/initramfs/init.
 * @returns absolute path of the archive, cpio in zstd
 * @throws Fault when something in it is not in the image
 */
export async function makeInitramfs(job: ImageJob): Promise<string> {
  const source = path.join(job.assets, 'initramfs');
  const contents = YAML.parse(await fs.readFile(path.join(source, 'contents.yaml'), 'utf8')) as Contents;
  const tree = workFile(job, 'initramfs');
  for (const folder of mountPoints) await fs.mkdir(path.join(tree, folder), { recursive: true, mode: 0o755 });
  for (const [link, target] of Object.entries(links)) await fs.symlink(target, path.join(tree, link));
  await fs.copyFile(path.join(source, 'init'), path.join(tree, 'init'));
  await fs.chmod(path.join(tree, 'init'), 0o755);
  await fs.writeFile(path.join(tree, 'etc/modules'), `${contents.always.map(({ name }) => name).join('\n')}\n`);
  await copyBusybox(job, tree, contents.applets);
  const programs = contents.programs.map(({ name }) => name);
  for (const name of [...programs, ...(await findLibraries(job, programs))]) await copyFromRoot(job.root, tree, name);
  await copyModules(job, tree, [...contents.always, ...contents.devices, ...contents.live]);
  return pack(job, tree);
}

async function copyFromRoot(root: string, tree: string, name: string): Promise<void> {
  const file = await resolveIn(root, path.join(root, name));
  if (!file) throw new Fault(`${name} is wanted in the initramfs, but not in the image`, 'see image/base.yaml');
  const target = path.join(tree, name);
  await fs.mkdir(path.dirname(target), { recursive: true });
  await fs.copyFile(file, target);
  await fs.chmod(target, 0o755);
}

/** busybox must be static: it runs before any library is of use, and when the libraries are what is broken. */
async function copyBusybox(job: ImageJob, tree: string, applets: string[]): Promise<void> {
  await checkApplets(job, applets, 'image/initramfs/contents.yaml');
  const needs = await findLibraries(job, [busyboxPath]);
  if (needs.length > 0) {
    throw new Fault(`busybox is not static, it needs ${needs.join(', ')}`, 'see packages/busybox/recipe.yaml');
  }
  await copyFromRoot(job.root, tree, busyboxPath);
  for (const applet of applets) await fs.symlink('busybox', path.join(tree, 'usr/bin', applet));
}

async function copyModules(job: ImageJob, tree: string, modules: Listed[]): Promise<void> {
  const release = await getKernelRelease(job.root);
  const folder = path.join('usr/lib/modules', release);
  const modulesDep = await fs.readFile(path.join(job.root, folder, 'modules.dep'), 'utf8');
  const names = modules.map(({ name }) => name);
  const files = [...resolveModules(names, modulesDep), 'modules.order', 'modules.builtin', 'modules.builtin.modinfo'];
  for (const file of files) {
    const target = path.join(tree, folder, file);
    await fs.mkdir(path.dirname(target), { recursive: true });
    await fs.copyFile(path.join(job.root, folder, file), target);
  }
  await run(job)`depmod -b ${tree} ${release}`;
  // busybox reads the text indexes; the binary ones are for kmod.
  const unused = (await fs.readdir(path.join(tree, folder))).filter((name) => /\.bin$|\.devname$/.test(name));
  for (const name of [...unused, 'modules.builtin.modinfo'])
    await fs.rm(path.join(tree, folder, name), { force: true });
}

/** Sorted names, times set, owners and inode numbers counted anew: the archive depends on nothing but its content. */
async function pack(job: ImageJob, tree: string): Promise<string> {
  const target = workFile(job, 'initrd');
  const $in = run(job)({ cwd: tree });
  await $in`find . -exec touch -h -d @${job.epoch} {} +`;
  await $in`find . -mindepth 1 -print0 | sort -z | cpio --quiet -o -0 -H newc --reproducible -R 0:0 | zstd -q -T0 -9 -o ${target}`;
  return target;
}
