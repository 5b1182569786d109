import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { liveOptions } from './vm-boot-entry.ts';
import { readBootFiles } from './vm-boot-files.ts';
import { writeEfiPartition } from './vm-efi-partition.ts';
import { fillTemplate } from './vm-formats.ts';
import { mainFile, type Produced, tempFile, type VmJob } from './vm-job.ts';
import { liveUsr, writeLiveInitramfs } from './vm-live.ts';
import { pinnedEnv, sh } from './vm-shell.ts';
import { findUsedBytes, readPartition } from './vm-usr.ts';

const isoLabel = 'SKIFF';

/** PXE: the kernel, an initramfs with the whole system, and an iPXE script with the command line that verifies it. */
export async function writePxe(job: VmJob): Promise<Produced[]> {
  const boot = await readBootFiles(job);
  const image = mainFile(job);
  await writeLiveInitramfs(job, boot, image.file);
  const kernel = 'skiff_production_pxe.vmlinuz';
  const script = 'skiff_production_pxe.ipxe';
  await copyFile(job.kernel, tempFile(job, kernel));
  const values = {
    version: job.version,
    kernel,
    initramfs: image.name,
    options: liveOptions(boot.options, 'initrd'),
  };
  await writeFile(
    tempFile(job, script),
    await fillTemplate(path.join(job.assets, 'templates', job.format.template), values),
  );
  const others = [kernel, script].map((name) => ({ file: tempFile(job, name), name, compress: false }));
  return [image, ...others];
}

/**
 * ISO that starts without a disk: from a CD by El Torito, from a USB stick by the GPT; both point at the same EFI system
 * partition. /usr stays on the medium, under dm-verity as on a disk; the rest is in memory.
 */
export async function writeIso(job: VmJob): Promise<Produced[]> {
  const boot = await readBootFiles(job);
  const tree = tempFile(job, 'iso');
  await mkdir(path.join(tree, path.dirname(liveUsr)), { recursive: true });
  await writeFile(path.join(tree, 'VERSION'), `${job.version}\n`);
  const sizeBytes = await findUsedBytes(job.disk, boot.usr);
  await writeFile(path.join(tree, liveUsr), readPartition(job.disk, boot.usr, sizeBytes));
  await sh`find ${tree} -exec touch --date=@${job.epoch} {} +`;
  const esp = tempFile(job, 'esp.fat');
  await writeEfiPartition(job, boot, liveOptions(boot.options, isoLabel), esp);
  const image = mainFile(job);
  await sh({ env: pinnedEnv(job.epoch) })`xorriso ${isoArgs(esp, image.file)} ${tree}`;
  return [image];
}

/**
 * The EFI system partition is appended behind the ISO 9660 file system; GPT and El Torito both point there, so it is in
 * the file once.
 */
function isoArgs(esp: string, target: string): string[] {
  const partition = ['-append_partition', '2', '0xef', esp, '-appended_part_as_gpt'];
  const elTorito = ['-e', '--interval:appended_partition_2:all::', '-no-emul-boot'];
  const owner = ['-uid', '0', '-gid', '0', '-dir-mode', '0555', '-file-mode', '0444'];
  const names = ['-volid', isoLabel, '-rational-rock', '-joliet'];
  return ['-as', 'mkisofs', '-quiet', ...names, ...owner, ...partition, ...elTorito, '-o', target];
}
