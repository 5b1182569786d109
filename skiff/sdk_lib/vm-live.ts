import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { BootFiles } from './vm-boot-files.ts';
import { buildCpioHeader, buildCpioPadding, buildCpioTrailer, type CpioMember } from './vm-cpio.ts';
import type { VmJob } from './vm-job.ts';
import { findUsedBytes, readPartition } from './vm-usr.ts';

/** Where image/initramfs/init looks for /usr: in the initramfs, or on the ISO. */
export const liveUsr = 'skiff/usr.img';

/**
 * Write an initramfs that is a whole system. It consists of two archives, which the kernel unpacks one after the other:
 * first an uncompressed one with the /usr partition as it lies on the disk (compressed file system and verity tree, so
 * the running system verifies it in the same way), then the initramfs of the disk image.
 */
export async function writeLiveInitramfs(job: VmJob, boot: BootFiles, target: string): Promise<void> {
  const handle = await open(target, 'wx');
  try {
    await writeUsrArchive(job, boot, handle);
    await writeAll(handle, createReadStream(boot.initramfs));
  } finally {
    await handle.close();
  }
}

async function writeUsrArchive(job: VmJob, { usr }: BootFiles, handle: FileHandle): Promise<void> {
  const sizeBytes = await findUsedBytes(job.disk, usr);
  const folder: CpioMember = { name: 'skiff', mode: 0o040755, sizeBytes: 0 };
  await handle.write(buildCpioHeader(folder, 1, job.epoch));
  await handle.write(buildCpioHeader({ name: liveUsr, mode: 0o100444, sizeBytes }, 2, job.epoch));
  await writeAll(handle, readPartition(job.disk, usr, sizeBytes));
  await handle.write(buildCpioPadding(sizeBytes));
  await handle.write(buildCpioTrailer());
}

async function writeAll(handle: FileHandle, blocks: AsyncIterable<Buffer>): Promise<void> {
  for await (const block of blocks) await handle.write(block);
}
