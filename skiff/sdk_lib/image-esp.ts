import fs from 'node:fs/promises';
import { type ImageJob, workFile } from './image-job.ts';
import { getPartition, type Layout } from './image-layout.ts';
import { run } from './image-run.ts';
import type { UsrImage } from './image-usr.ts';

/**
 * Kernel command line of slot A.
 * @param usr what opens its /usr
 */
export function formatCommandLine({ commandLine }: Layout, usr: Omit<UsrImage, 'file'>): string {
  const { rootHash, dataBlocks, salt } = usr;
  return ['skiff.slot=a', `usrhash=${rootHash}`, `usrverity=${dataBlocks}:${salt}`, ...commandLine].join(' ');
}

function formatEntry(job: ImageJob, usr: UsrImage): string {
  const { version } = job.version;
  const lines = [
    `title      Skiff ${version}`,
    `version    ${version}`,
    'sort-key   skiff',
    'linux      /skiff/vmlinuz-a',
    'initrd     /skiff/initrd-a',
    `options    ${formatCommandLine(job.layout, usr)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** No menu unless a key is held down, no editing of the command line: it carries the root hash. */
const loaderConfig = 'timeout 0\nconsole-mode keep\neditor no\n';

/**
 * Makes the EFI system partition: boot loader, one boot entry, kernel and initramfs of slot A.
 * @param initramfs absolute path
 * @returns absolute path of the filesystem image
 */
export async function makeEsp(job: ImageJob, usr: UsrImage, initramfs: string): Promise<string> {
  const partition = getPartition(job.layout, 'EFI-SYSTEM');
  const file = workFile(job, 'EFI-SYSTEM.img');
  const $in = run(job);
  const entry = workFile(job, 'a.conf');
  const config = workFile(job, 'loader.conf');
  await fs.writeFile(entry, formatEntry(job, usr));
  await fs.writeFile(config, loaderConfig);
  const files = [
    [workFile(job, 'BOOTX64.EFI'), 'EFI/BOOT/BOOTX64.EFI'],
    [config, 'loader/loader.conf'],
    [entry, 'loader/entries/a.conf'],
    [workFile(job, 'vmlinuz'), 'skiff/vmlinuz-a'],
    [initramfs, 'skiff/initrd-a'],
  ] as const;
  const fat = ['-F', '32', '-s', '2', '--invariant', '-i', partition.id, '-n', partition.label];
  await $in`mkfs.vfat ${fat} -C ${file} ${partition.sizeMiB * 1024}`;
  await $in`mmd -i ${file} ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries ::/skiff`;
  for (const [from, to] of files) await $in`mcopy -i ${file} ${from} ${`::/${to}`}`;
  return file;
}
