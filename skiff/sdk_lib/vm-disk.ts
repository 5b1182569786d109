import { stat, truncate } from 'node:fs/promises';
import { tempFile, type VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';

const mebibyte = 1024 * 1024;

/** Next size that the vendor of this format takes, in bytes. @param multipleMiB unit in MiB */
export function fitSize(sizeBytes: number, multipleMiB: number): number {
  const unit = multipleMiB * mebibyte;
  return Math.ceil(sizeBytes / unit) * unit;
}

/**
 * The disk in the size of the format: the image itself when it fits, else a sparse copy that is longer, with the
 * second GPT moved to the new end. The image is never changed.
 */
export async function prepareDisk(job: VmJob): Promise<{ file: string; sizeBytes: number; borrowed: boolean }> {
  const { size } = await stat(job.disk);
  const sizeBytes = fitSize(size, job.format.sizeMultipleMiB);
  if (sizeBytes === size) return { file: job.disk, sizeBytes, borrowed: true };
  const file = tempFile(job, 'grown.raw');
  await copySparse(job.disk, file);
  await truncate(file, sizeBytes);
  await sh`sfdisk --quiet --relocate gpt-bak-std ${file}`;
  return { file, sizeBytes, borrowed: false };
}

/** Copy a file without writing its holes, sharing blocks where the file system can. */
export async function copySparse(source: string, target: string): Promise<void> {
  await sh`cp --reflink=auto --sparse=always ${source} ${target}`;
}
