import { open } from 'node:fs/promises';
import { Fault } from './fault.ts';

const sectorBytes = 512;

/** A GPT partition; both numbers in bytes. */
export interface Partition {
  readonly label: string;
  readonly start: number;
  readonly length: number;
}

/** Read the primary GPT of a raw disk with 512-byte sectors (UEFI specification 5.3). Throws a Fault without one. */
export async function readPartitions(disk: string): Promise<Partition[]> {
  const handle = await open(disk, 'r');
  try {
    const header = Buffer.alloc(sectorBytes);
    await handle.read(header, 0, sectorBytes, sectorBytes);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') {
      throw new Fault(
        `${disk} has no GPT: sector 1 does not begin with "EFI PART"`,
        'give a raw disk image of build_image',
      );
    }
    const count = header.readUInt32LE(80);
    const entryBytes = header.readUInt32LE(84);
    const table = Buffer.alloc(count * entryBytes);
    await handle.read(table, 0, table.length, Number(header.readBigUInt64LE(72)) * sectorBytes);
    const entries = Array.from({ length: count }, (_, i) => table.subarray(i * entryBytes, (i + 1) * entryBytes));
    return entries.filter((entry) => entry.subarray(0, 16).some((byte) => byte !== 0)).map(parseEntry);
  } finally {
    await handle.close();
  }
}

/** Find a partition by its PARTLABEL. Throws a Fault that lists the labels there are. */
export function findPartition(partitions: readonly Partition[], label: string): Partition {
  const found = partitions.find((partition) => partition.label === label);
  if (found) return found;
  const seen = partitions.map((partition) => partition.label).join(' ');
  throw new Fault(`the disk has no partition ${label}; it has: ${seen}`, 'see image/layout.yaml for the expected ones');
}

function parseEntry(entry: Buffer): Partition {
  const first = Number(entry.readBigUInt64LE(32));
  const last = Number(entry.readBigUInt64LE(40));
  const label = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '');
  return { label, start: first * sectorBytes, length: (last - first + 1) * sectorBytes };
}
