import fs from 'node:fs/promises';
import { type ImageJob, workFile } from './image-job.ts';
import type { Layout } from './image-layout.ts';
import { run } from './image-run.ts';

/** Script for sfdisk: every value is given, so nothing is left to chance or to a newer version's idea of alignment. */
export function formatPartitionTable({ diskGuid, partitions }: Layout): string {
  const header = ['label: gpt', `label-id: ${diskGuid}`, 'unit: sectors', 'sector-size: 512'];
  const sectors = (mib: number) => mib * 2048;
  const lines = partitions.map(({ label, guid, type, startMiB, sizeMiB }) =>
    [`start=${sectors(startMiB)}`, `size=${sectors(sizeMiB)}`, `type=${type}`, `uuid=${guid}`, `name="${label}"`].join(
      ', ',
    ),
  );
  return `${[...header, '', ...lines].join('\n')}\n`;
}

/**
 * Puts the disk together. The file has holes where nothing was written.
 * @param content absolute paths of filesystem images, by partition label; a partition without one stays empty
 * @returns absolute path of the raw disk
 */
export async function makeDisk(job: ImageJob, content: Record<string, string>): Promise<string> {
  const { layout } = job;
  const disk = workFile(job, 'disk.bin');
  await fs.writeFile(disk, '');
  await fs.truncate(disk, layout.diskMiB * 1024 * 1024);
  await run(job)({
    input: formatPartitionTable(layout),
  })`sfdisk --quiet --no-reread --no-tell-kernel --wipe=never ${disk}`;
  for (const { label, startMiB } of layout.partitions) {
    const source = content[label];
    if (source) await run(job)`dd if=${source} of=${disk} bs=1M seek=${startMiB} conv=notrunc,sparse status=none`;
  }
  return disk;
}
