/**
 * On-disk structures of a stream-optimised VMDK (VMware, Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse
 * Extents"). Numbers without another unit are sectors of 512 bytes.
 */
export const sectorBytes = 512;
export const grainBytes = 65536;
export const grainsPerTable = 512;
const grainSectors = grainBytes / sectorBytes;
const descriptorSectors = 20;
/** First sector of compressed grains: whole grains of room before it, as other writers leave. */
export const overheadSectors = 128;
const magic = 0x564d444b;
// Valid new-line test, compressed grains, markers in the stream.
const flags = 0x30001;
const directoryAtEnd = 0xffffffffffffffffn;

/** Marker types of section "Markers". */
export const marker = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;

/** Sparse extent header; the same bytes serve as footer, with the place of the grain directory filled in. */
export function buildHeader(capacityBytes: number, directorySector: bigint = directoryAtEnd): Buffer {
  const header = Buffer.alloc(sectorBytes);
  header.writeUInt32LE(magic, 0);
  header.writeUInt32LE(3, 4);
  header.writeUInt32LE(flags, 8);
  header.writeBigUInt64LE(BigInt(capacityBytes / sectorBytes), 12);
  header.writeBigUInt64LE(BigInt(grainSectors), 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  header.writeUInt32LE(grainsPerTable, 44);
  header.writeBigUInt64LE(0n, 48);
  header.writeBigUInt64LE(directorySector, 56);
  header.writeBigUInt64LE(BigInt(overheadSectors), 64);
  header.write('\n \r\n', 73, 'latin1');
  header.writeUInt16LE(1, 77);
  return header;
}

/** The text part. @param cid content id, 32 bit; @param adapter `lsilogic` is what vendors take for SCSI disks */
export function buildDescriptor(capacityBytes: number, cid: number, name: string, adapter: string): Buffer {
  const sectors = capacityBytes / sectorBytes;
  const text = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${cid.toString(16).padStart(8, '0')}`,
    'parentCID=ffffffff',
    'createType="streamOptimized"',
    '',
    '# Extent description',
    `RW ${sectors} SPARSE "${name}"`,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    'ddb.virtualHWVersion = "13"',
    `ddb.geometry.cylinders = "${Math.min(65535, Math.floor(sectors / (255 * 63)))}"`,
    'ddb.geometry.heads = "255"',
    'ddb.geometry.sectors = "63"',
    `ddb.adapterType = "${adapter}"`,
    'ddb.toolsInstallType = "4"',
    'ddb.toolsVersion = "2147483647"',
    '',
  ].join('\n');
  const block = Buffer.alloc(descriptorSectors * sectorBytes);
  if (Buffer.byteLength(text) >= block.length) throw new RangeError(`VMDK descriptor too long for name "${name}"`);
  block.write(text, 'latin1');
  return block;
}

/** Marker of one sector in front of metadata. @param sectors length of the metadata behind it */
export function buildMarker(type: number, sectors: number): Buffer {
  const block = Buffer.alloc(sectorBytes);
  block.writeBigUInt64LE(BigInt(sectors), 0);
  block.writeUInt32LE(type, 12);
  return block;
}

/** A compressed grain: place on the disk, size, data, zeros up to the next sector. */
export function buildGrain(positionBytes: number, deflated: Buffer): Buffer {
  const block = Buffer.alloc(roundUp(12 + deflated.length, sectorBytes));
  block.writeBigUInt64LE(BigInt(positionBytes / sectorBytes), 0);
  block.writeUInt32LE(deflated.length, 8);
  deflated.copy(block, 12);
  return block;
}

/** A table of 32-bit sector numbers, padded with zeros to a whole sector. */
export function buildTable(entries: readonly number[]): Buffer {
  const block = Buffer.alloc(roundUp(entries.length * 4, sectorBytes));
  for (const [index, entry] of entries.entries()) block.writeUInt32LE(entry, index * 4);
  return block;
}

/** Next multiple of `unit` that is not below `value`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
