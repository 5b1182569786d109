import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from './fault.ts';

/** Size of the VHD footer in bytes (Microsoft, Virtual Hard Disk Image Format Specification 1.0). */
export const vhdFooterBytes = 512;
const vhdEpoch = Date.UTC(2000, 0, 1) / 1000;
const field = { cookie: 0, timestamp: 24, currentSize: 48, diskType: 60, checksum: 64, uniqueId: 68 };
const dynamicDisk = 3;

/** What the tests and the log want to know of a footer. Sizes in bytes. */
export interface VhdFooter {
  readonly currentSize: bigint;
  readonly diskType: 'fixed' | 'dynamic';
}

/**
 * Replace creation time and unique id of a VHD, which qemu-img sets from the clock and at random, in its footer and,
 * for a dynamic disk, in the footer's copy at the start.
 * @param epoch seconds since 1970; @param uuid 16 bytes
 */
export async function pinVhd(file: string, epoch: number, uuid: Buffer): Promise<VhdFooter> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const footer = await pinAt(handle, size - vhdFooterBytes, epoch, uuid);
    if (footer.diskType === 'dynamic') await pinAt(handle, 0, epoch, uuid);
    return footer;
  } finally {
    await handle.close();
  }
}

/** Change one footer in memory: time, id, then the checksum over all bytes but its own four. */
export function pinFooter(footer: Buffer, epoch: number, uuid: Buffer): VhdFooter {
  const cookie = footer.toString('latin1', field.cookie, 8);
  if (cookie !== 'conectix') throw new Fault(`not a VHD footer: cookie is ${JSON.stringify(cookie)}, not "conectix"`);
  footer.writeUInt32BE(Math.max(0, epoch - vhdEpoch), field.timestamp);
  uuid.copy(footer, field.uniqueId);
  footer.writeUInt32BE(0, field.checksum);
  footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, field.checksum);
  const dynamic = footer.readUInt32BE(field.diskType) === dynamicDisk;
  return { currentSize: footer.readBigUInt64BE(field.currentSize), diskType: dynamic ? 'dynamic' : 'fixed' };
}

async function pinAt(handle: FileHandle, position: number, epoch: number, uuid: Buffer): Promise<VhdFooter> {
  const footer = Buffer.alloc(vhdFooterBytes);
  await handle.read(footer, 0, vhdFooterBytes, position);
  const facts = pinFooter(footer, epoch, uuid);
  await handle.write(footer, 0, vhdFooterBytes, position);
  return facts;
}
