import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';
import { fixedEnv, type ImageJob, workFile } from './image-job.ts';
import { getPartition } from './image-layout.ts';
import { sh } from './vm-shell.ts';

/** A filled USR partition and what the kernel command line must say about it. */
export interface UsrImage {
  file: string;
  /** root hash of the hash tree, 64 hex */
  rootHash: string;
  /** 4 KiB blocks of the filesystem; the hash tree's superblock is the next block */
  dataBlocks: number;
  /** 64 hex */
  salt: string;
}

const blockBytes = 4096;
const mebibyte = 1024 * 1024;

/**
 * Packs /usr into a compressed read-only filesystem and appends its dm-verity hash tree.
 * @throws Fault when it does not fit into the partition
 */
export async function makeUsr(job: ImageJob): Promise<UsrImage> {
  const partition = getPartition(job.layout, 'USR-A');
  const file = workFile(job, 'usr.img');
  await makeSquashfs(job, file);
  const { size } = await fs.stat(file);
  const dataBlocks = size / blockBytes;
  const salt = createHash('sha256').update(`skiff usr ${job.version.version}`).digest('hex');
  const options = [
    '--hash=sha256',
    `--data-block-size=${blockBytes}`,
    `--hash-block-size=${blockBytes}`,
    `--salt=${salt}`,
  ];
  const place = [`--uuid=${partition.id}`, `--data-blocks=${dataBlocks}`, `--hash-offset=${size}`];
  const { stdout } = await sh`veritysetup format ${options} ${place} ${file} ${file}`;
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(stdout)?.[1];
  if (!rootHash) throw new Fault(`veritysetup did not say a root hash:\n${stdout}`);
  const total = (await fs.stat(file)).size;
  if (total > partition.sizeMiB * mebibyte) {
    throw new Fault(
      `/usr needs ${Math.ceil(total / mebibyte)} MiB, the partition USR-A has ${partition.sizeMiB} MiB`,
      'take something out (image/base.yaml, image/system.yaml), or enlarge the partitions in image/layout.yaml',
    );
  }
  return { file, rootHash, dataBlocks, salt };
}

async function makeSquashfs(job: ImageJob, file: string): Promise<void> {
  const { compressionLevel, blockKiB } = job.layout.usr;
  const times = ['-all-time', String(job.epoch), '-mkfs-time', String(job.epoch)];
  const compression = ['-comp', 'zstd', '-Xcompression-level', String(compressionLevel), '-b', `${blockKiB}K`];
  // mksquashfs refuses its time options while the variable is set; unlike the variable they also move older times.
  const env = { ...fixedEnv(job.epoch), SOURCE_DATE_EPOCH: undefined };
  const usr = path.join(job.root, 'usr');
  await sh({ env })`mksquashfs ${usr} ${file} ${compression} ${times} -no-xattrs -noappend -no-progress -quiet`;
}
