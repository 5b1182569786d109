import { chmod, mkdir, rename, utimes } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { copySparse } from './vm-disk.ts';
import { type Produced, tempFile, type VmJob } from './vm-job.ts';
import type { CompressionName } from './vm-options.ts';
import { sh } from './vm-shell.ts';

type Compress = (job: VmJob, source: string, target: string, name: string) => Promise<unknown>;

// Low levels on purpose: most of an image is a compressed file system, where more effort gains under 1 %.
const compressors: Record<Exclude<CompressionName, 'none'>, Compress> = {
  zst: (_, source, target) => sh`zstd --quiet -T0 -3 --no-progress -o ${target} -- ${source}`,
  gz: (_, source, target) => sh`pigz ${pigzArgs()} < ${source} > ${target}`,
  bz2: (_, source, target) => sh`lbzip2 -z -1 < ${source} > ${target}`,
  zip: compressZip,
};

/** pigz without name and time. At least two threads: with one its output would be another, though as valid. */
export function pigzArgs(): string[] {
  return ['--no-name', '-1', '--processes', String(Math.max(2, availableParallelism()))];
}

/**
 * Apply the list of compressions to one file.
 * @returns the files to publish: one per compression, and the file as it is for `none`, for a file that is not to be
 * compressed, or when not only compressed files are stored
 */
export async function compressProduced(
  job: VmJob,
  made: Produced,
  compressions: readonly CompressionName[],
  onlyStoreCompressed: boolean,
): Promise<Produced[]> {
  if (!made.compress) return [await ownFile(job, made)];
  const results: Produced[] = [];
  for (const compression of compressions) {
    if (compression === 'none') continue;
    const name = `${made.name}.${compression}`;
    const file = tempFile(job, `${name}.packed`);
    await compressors[compression](job, made.file, file, made.name);
    results.push({ file, name, compress: false });
  }
  const keep = !onlyStoreCompressed || compressions.includes('none');
  return keep ? [...results, await ownFile(job, made)] : results;
}

/** Only a file of our own can be moved to the target folder: copy what is borrowed. */
async function ownFile(job: VmJob, made: Produced): Promise<Produced> {
  if (!made.borrowed) return made;
  const file = tempFile(job, made.name);
  await copySparse(made.file, file);
  return { ...made, file, borrowed: false };
}

/** zip stores name, mode and time of the file: give it a copy that has the right ones. */
async function compressZip(job: VmJob, source: string, target: string, name: string): Promise<void> {
  const folder = tempFile(job, 'zip');
  await mkdir(folder);
  await copySparse(source, path.join(folder, name));
  await chmod(path.join(folder, name), 0o644);
  await utimes(path.join(folder, name), job.epoch, job.epoch);
  await sh({ cwd: folder, env: { ...process.env, TZ: 'UTC' } })`zip -q -X -1 archive.zip ${name}`;
  await rename(path.join(folder, 'archive.zip'), target);
}
