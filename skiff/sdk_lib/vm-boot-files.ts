import { entryFile, parseBootEntry } from './vm-boot-entry.ts';
import { findPartition, type Partition, readPartitions } from './vm-gpt.ts';
import { tempFile, type VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';

/** What slot A of the disk boots with, taken out of its EFI system partition. */
export interface BootFiles {
  /** initramfs of the image, in the temp folder. */
  readonly initramfs: string;
  /** systemd-boot, in the temp folder. */
  readonly loader: string;
  /** Place of the kernel on the EFI system partition, with a leading slash. */
  readonly kernelPath: string;
  /** Start of the EFI system partition on the disk, in bytes. */
  readonly espStart: number;
  /** Kernel command line of the boot entry. */
  readonly options: string;
  /** The partition with the /usr file system and its verity tree. */
  readonly usr: Partition;
}

/** Read boot entry A and the files it names. Throws a Fault when the disk is not laid out like a Skiff image. */
export async function readBootFiles(job: VmJob): Promise<BootFiles> {
  const partitions = await readPartitions(job.disk);
  const esp = findPartition(partitions, 'EFI-SYSTEM');
  const drive = `${job.disk}@@${esp.start}`;
  const entry = parseBootEntry((await sh`mtype -i ${drive} ${`::/${entryFile}`}`).stdout);
  const initramfs = tempFile(job, 'initramfs');
  const loader = tempFile(job, 'loader.efi');
  await sh`mcopy -i ${drive} ${`::${entry.initrd}`} ${initramfs}`;
  await sh`mcopy -i ${drive} ::/EFI/BOOT/BOOTX64.EFI ${loader}`;
  const usr = findPartition(partitions, 'USR-A');
  return { initramfs, loader, kernelPath: entry.linux, espStart: esp.start, options: entry.options, usr };
}
