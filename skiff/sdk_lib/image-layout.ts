import fs from 'node:fs/promises';
import { Fault } from './fault.ts';

const kinds = ['vfat', 'verity', 'ext4', 'empty'] as const;

/** One partition of image/layout.yaml. */
export interface LayoutPartition {
  label: string;
  kind: (typeof kinds)[number];
  sizeMiB: number;
  /** PARTUUID */
  guid: string;
  /** GPT type */
  type: string;
  /** UUID of the filesystem or hash tree, volume id for vfat */
  id: string;
  /** first MiB on the disk; computed */
  startMiB: number;
}

/** image/layout.yaml with the computed positions. */
export interface Layout {
  diskGuid: string;
  diskMiB: number;
  partitions: LayoutPartition[];
  usr: { compressionLevel: number; blockKiB: number };
  /** kernel command line, without what depends on the build */
  commandLine: string[];
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const volumeId = /^[0-9A-F]{8}$/;

function checkPartition(file: string, entry: Partial<LayoutPartition>): string[] {
  const name = `${file}: partition ${entry.label ?? JSON.stringify(entry)}`;
  const wrong: string[] = [];
  if (!/^[A-Z][A-Z0-9-]{0,35}$/.test(entry.label ?? '')) wrong.push(`${name}: label is not made of A-Z, 0-9 and -`);
  if (!kinds.includes(entry.kind ?? 'empty')) wrong.push(`${name}: kind is one of ${kinds.join(', ')}`);
  if (!Number.isSafeInteger(entry.sizeMiB) || Number(entry.sizeMiB) < 1) wrong.push(`${name}: sizeMiB is no size`);
  for (const key of ['guid', 'type'] as const) {
    if (!guid.test(entry[key] ?? '')) wrong.push(`${name}: ${key} is not a GUID in lower case`);
  }
  const id = entry.kind === 'vfat' ? volumeId : guid;
  if (entry.kind !== 'empty' && !id.test(entry.id ?? '')) wrong.push(`${name}: id does not fit to ${entry.kind}`);
  return wrong;
}

function checkUnique(file: string, partitions: LayoutPartition[]): string[] {
  return (['label', 'guid'] as const).flatMap((key) => {
    const values = partitions.map((partition) => partition[key]);
    const twice = values.filter((value, index) => values.indexOf(value) !== index);
    return twice.map((value) => `${file}: ${key} ${value} is there twice`);
  });
}

/**
 * Reads and checks image/layout.yaml.
 * @param file absolute path
 * @returns the layout; partitions have their position on the disk
 * @throws Fault that names everything that is wrong in it
 */
export async function readLayout(file: string): Promise<Layout> {
  const data = YAML.parse(await fs.readFile(file, 'utf8')) as {
    disk: { guid: string; alignMiB: number };
    partitions: LayoutPartition[];
    usr: Layout['usr'];
    commandLine: string[];
  };
  const wrong = data.partitions.flatMap((entry) => checkPartition(file, entry));
  if (!guid.test(data.disk.guid)) wrong.push(`${file}: disk.guid is not a GUID in lower case`);
  wrong.push(...checkUnique(file, data.partitions));
  if (wrong.length > 0) throw new Fault(wrong.join('\n'));
  let next = data.disk.alignMiB;
  const partitions = data.partitions.map((partition) => {
    const startMiB = next;
    next += partition.sizeMiB;
    return { ...partition, startMiB };
  });
  const { usr, commandLine } = data;
  return { diskGuid: data.disk.guid, diskMiB: next + data.disk.alignMiB, partitions, usr, commandLine };
}

/**
 * @param label GPT label
 * @throws Fault when the layout has no such partition
 */
export function getPartition(layout: Layout, label: string): LayoutPartition {
  const partition = layout.partitions.find((candidate) => candidate.label === label);
  if (!partition) throw new Fault(`image/layout.yaml has no partition ${label}`);
  return partition;
}
