import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from './fault.ts';
import { crc32c } from './vm-crc32c.ts';

// Places in a VHDX file (Microsoft [MS-VHDX] 2.2 and 2.6); all numbers in bytes.
const headerAt = [64 * 1024, 128 * 1024];
const headerBytes = 4096;
const field = { checksum: 4, sequence: 8, fileWriteGuid: 16, dataWriteGuid: 32, logGuid: 48, logLength: 68, logAt: 72 };
const regionTableAt = 192 * 1024;
const metadataRegion = '06a27c8b90479a4bb8fe575f050f886e';
const page83Item = 'ab12cabee6b22345' + '93efc309e000c746';

/**
 * Take everything random out of a VHDX written by qemu-img: sequence numbers, file and data write GUID of both headers,
 * the virtual disk id (SCSI page 83) in the metadata, and what an empty log still has of earlier writes.
 * @param uuid makes an identifier of 16 bytes for a purpose
 * @throws Fault when the file is not laid out like a VHDX that was closed cleanly
 */
export async function pinVhdx(file: string, uuid: (purpose: string) => Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const headers = await Promise.all(headerAt.map((position) => readAt(handle, position, headerBytes)));
    for (const header of headers) expectSignature(header, 'head');
    await clearLog(handle, headers);
    pinHeaders(headers, uuid);
    for (const [index, header] of headers.entries()) await handle.write(header, 0, headerBytes, headerAt[index]);
    await pinDiskId(handle, uuid('vhdx-page83'));
  } finally {
    await handle.close();
  }
}

/** A log GUID of zero says that the log is empty: what lies there is of no use to anybody. */
async function clearLog(handle: FileHandle, headers: readonly Buffer[]): Promise<void> {
  for (const header of headers) {
    if (header.subarray(field.logGuid, field.logGuid + 16).some((byte) => byte !== 0)) {
      throw new Fault('VHDX: the log is not empty, so qemu-img did not close the file cleanly', 'convert again');
    }
    const length = header.readUInt32LE(field.logLength);
    await handle.write(Buffer.alloc(length), 0, length, Number(header.readBigUInt64LE(field.logAt)));
  }
}

/** The header with the higher sequence number is the one that counts; that stays so, but the numbers become 1 and 2. */
function pinHeaders(headers: readonly Buffer[], uuid: (purpose: string) => Buffer): void {
  const sequences = headers.map((header) => header.readBigUInt64LE(field.sequence));
  for (const [index, header] of headers.entries()) {
    const older = sequences.filter((other) => other < (sequences[index] ?? 0n)).length;
    header.writeBigUInt64LE(BigInt(older + 1), field.sequence);
    uuid('vhdx-file').copy(header, field.fileWriteGuid);
    uuid('vhdx-data').copy(header, field.dataWriteGuid);
    header.writeUInt32LE(0, field.checksum);
    header.writeUInt32LE(crc32c(header), field.checksum);
  }
}

/** Walk region table, metadata table, page-83 item. Entries are 32 bytes each: GUID, offset, length. */
async function pinDiskId(handle: FileHandle, id: Buffer): Promise<void> {
  const regions = await readAt(handle, regionTableAt, 64 * 1024);
  expectSignature(regions, 'regi');
  const region = findEntry(regions, 16, regions.readUInt32LE(8), metadataRegion);
  const metadataAt = Number(region.readBigUInt64LE(16));
  const table = await readAt(handle, metadataAt, 64 * 1024);
  expectSignature(table, 'metadata');
  const item = findEntry(table, 32, table.readUInt16LE(10), page83Item);
  await handle.write(id, 0, 16, metadataAt + item.readUInt32LE(16));
}

function findEntry(table: Buffer, start: number, count: number, guid: string): Buffer {
  for (let index = 0; index < count; index += 1) {
    const entry = table.subarray(start + index * 32, start + (index + 1) * 32);
    if (entry.toString('hex', 0, 16) === guid) return entry;
  }
  throw new Fault(`VHDX: no entry ${guid} among ${count}; the layout of qemu-img has changed`);
}

function expectSignature(block: Buffer, wanted: string): void {
  const found = block.toString('latin1', 0, wanted.length);
  if (found !== wanted) throw new Fault(`VHDX: found ${JSON.stringify(found)} where "${wanted}" should be`);
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const block = Buffer.alloc(length);
  await handle.read(block, 0, length, position);
  return block;
}
