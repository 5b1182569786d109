import { stat, truncate, writeFile } from 'node:fs/promises';
import type { BootFiles } from './vm-boot-files.ts';
import { pinnedUuid, tempFile, type VmJob } from './vm-job.ts';
import { pinnedEnv, sh } from './vm-shell.ts';
import { roundUp } from './vm-vmdk-layout.ts';

const mebibyte = 1024 * 1024;

/**
 * Make a FAT file system with boot loader, kernel, initramfs and one boot entry, as large as they need.
 * @param options kernel command line of the entry
 */
export async function writeEfiPartition(job: VmJob, boot: BootFiles, options: string, target: string): Promise<void> {
  const entry = tempFile(job, 'live.conf');
  const title = `Skiff ${job.version} (without a disk)`;
  await writeFile(entry, `title ${title}\nlinux /skiff/vmlinuz\ninitrd /skiff/initrd\noptions ${options}\n`);
  const files: [string, string][] = [
    [boot.loader, '::/EFI/BOOT/BOOTX64.EFI'],
    [job.kernel, '::/skiff/vmlinuz'],
    [boot.initramfs, '::/skiff/initrd'],
    [entry, '::/loader/entries/live.conf'],
  ];
  await makeFat(job, target, await fatSize(files.map(([source]) => source)));
  const env = pinnedEnv(job.epoch);
  await sh({ env })`mmd -i ${target} ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries ::/skiff`;
  for (const [source, name] of files) await sh({ env })`mcopy -i ${target} ${source} ${name}`;
}

/** FAT16 is enough up to 512 MiB and may be small, FAT32 may not. */
async function makeFat(job: VmJob, target: string, sizeBytes: number): Promise<void> {
  await writeFile(target, '');
  await truncate(target, sizeBytes);
  const volumeId = pinnedUuid(job, 'fat').toString('hex', 0, 4);
  await sh`mkfs.fat --invariant -F 16 -s 8 -n SKIFF-LIVE -i ${volumeId} ${target}`;
}

async function fatSize(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const contentBytes = sizes.reduce((sum, size) => sum + roundUp(size, 4096), 0);
  // Room for directories and the two allocation tables; FAT16 with 4 KiB clusters begins at 16 MiB.
  return Math.max(17 * mebibyte, roundUp(contentBytes + mebibyte, mebibyte));
}
