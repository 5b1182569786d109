import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDisk } from './image-disk.ts';
import { makeEsp } from './image-esp.ts';
import { makeExt4 } from './image-ext4.ts';
import { makeInitramfs } from './image-initramfs.ts';
import { type ImageJob, workFile } from './image-job.ts';
import { formatPackages, listContents, listFiles } from './image-lists.ts';
import { getKernelRelease } from './image-modules.ts';
import { assembleRoot, factoryFolder } from './image-rootfs.ts';
import { run } from './image-run.ts';
import { makeSbom } from './image-sbom.ts';
import { makeUsr } from './image-usr.ts';
import { log } from './log.ts';

/** What buildImage leaves in the work folder. Files are absolute paths, the rest is text. */
export interface BuiltImage {
  disk: string;
  kernel: string;
  packages: string;
  contents: string;
  files: string;
  sbom: string;
}

/**
 * Makes the image. What does not depend on each other runs at the same time.
 *   root filesystem -> /usr (filesystem, hash tree) -> EFI system partition (has the root hash) -> disk
 *                   -> initramfs -----------------------^
 *                   -> ROOT, OEM -----------------------------------------------------------> disk
 *                   -> lists, SBOM
 */
export async function buildImage(job: ImageJob): Promise<BuiltImage> {
  const packages = await timed('root filesystem', () => assembleRoot(job));
  await timed('kernel module index', async () => {
    await run(job)`depmod -b ${job.root} ${await getKernelRelease(job.root)}`;
  });
  const rest = await splitRoot(job);
  const texts = Promise.all([listContents(job), listFiles(job.root, packages), makeSbom(job, packages)]);
  const [usr, initramfs, root, oem, [contents, files, sbom]] = await Promise.all([
    timed('/usr with hash tree', () => makeUsr(job)),
    timed('initramfs', () => makeInitramfs(job)),
    timed('ROOT', () => makeExt4(job, 'ROOT', rest)),
    timed('OEM', () => makeOem(job)),
    texts,
  ]);
  const esp = await timed('EFI system partition', () => makeEsp(job, usr, initramfs));
  const content = { 'EFI-SYSTEM': esp, 'USR-A': usr.file, OEM: oem, ROOT: root };
  const disk = await timed('disk', () => makeDisk(job, content));
  log(`/usr has root hash ${usr.rootHash}`);
  return { disk, kernel: workFile(job, 'vmlinuz'), packages: formatPackages(packages), contents, files, sbom };
}

/**
 * Copies everything outside /usr to the factory folder in /usr.
 * @returns folder with that content, for the partition ROOT
 */
async function splitRoot(job: ImageJob): Promise<string> {
  const factory = path.join(job.root, factoryFolder);
  const names = (await fs.readdir(job.root)).filter((name) => name !== 'usr').map((name) => path.join(job.root, name));
  await fs.mkdir(factory, { recursive: true });
  await run(job)`cp -a ${names} ${factory}/`;
  await fs.mkdir(path.join(factory, 'usr'));
  return factory;
}

async function makeOem(job: ImageJob): Promise<string> {
  const folder = workFile(job, 'oem');
  await fs.mkdir(folder, { mode: 0o755 });
  return makeExt4(job, 'OEM', folder);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}
