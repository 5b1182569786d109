import fs from 'node:fs/promises';
import path from 'node:path';
import { type ImageJob, workFile } from './image-job.ts';
import { getPartition } from './image-layout.ts';
import { run } from './image-run.ts';

/**
 * Makes an ext4 filesystem with the content of a folder, without a mount, the same for the same content.
 * @param label GPT label of the partition; also the filesystem's
 * @param source absolute path of the folder
 * @returns absolute path of the filesystem image
 */
export async function makeExt4(job: ImageJob, label: string, source: string): Promise<string> {
  const { sizeMiB, id } = getPartition(job.layout, label);
  const file = workFile(job, `${label}.img`);
  const $in = run(job);
  await $in`find ${source} -exec touch -h -d @${job.epoch} {} +`;
  const fixed = `hash_seed=${id},assume_storage_prezeroed=1,root_owner=0:0`;
  // Block and inode sizes for the disk that the filesystem grows to, not for the small one that it starts on.
  const sizes = ['-b', '4096', '-I', '256', '-i', '16384', '-m', '1'];
  await $in`mkfs.ext4 -q ${sizes} -L ${label} -U ${id} -E ${fixed} -d ${source} ${file} ${sizeMiB}M`;
  await fixInodeTimes(job, file);
  return file;
}

/** Inodes below are the filesystem's own; mkfs takes the time for these from the environment. */
const firstInode = 11;

/**
 * mkfs copies the times of the source, and nobody can set the change time there: it is set here, in the filesystem. A new
 * filesystem has its inodes in a row.
 */
async function fixInodeTimes(job: ImageJob, file: string): Promise<void> {
  const { stdout } = await run(job)`dumpe2fs -h ${file}`;
  const read = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)$`, 'm').exec(stdout)?.[1]);
  const used = read('Inode count') - read('Free inodes');
  const inodes = [2, ...Array.from({ length: used - firstInode + 1 }, (_, index) => firstInode + index)];
  const lines = inodes.flatMap((inode) =>
    ['atime', 'ctime', 'mtime', 'crtime'].flatMap((field) => [
      `set_inode_field <${inode}> ${field} @${job.epoch}`,
      `set_inode_field <${inode}> ${field}_extra 0`,
    ]),
  );
  const script = workFile(job, `${path.basename(file)}.debugfs`);
  await fs.writeFile(script, `${lines.join('\n')}\n`);
  await run(job)`debugfs -w -f ${script} ${file}`;
}
