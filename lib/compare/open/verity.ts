import { type Blob, readBytes, sliceOf } from '../blob.ts';
import type { Opened } from '../types.ts';

/** The superblock of a dm-verity hash tree (cryptsetup's on-disk format, version 1) and the tree behind it. */
export const openVerity = async (blob: Blob): Promise<Opened> => {
  const block = await readBytes(blob, 0, 512);
  const hashBlock = block.readUInt32LE(68);
  const facts = {
    UUID: block.toString('hex', 16, 32),
    algorithm: block.toString('latin1', 32, 64).replace(/\0.*$/s, ''),
    'data block size': String(block.readUInt32LE(64)),
    'hash block size': String(hashBlock),
    'data blocks': String(block.readBigUInt64LE(72)),
    salt: block.toString('hex', 88, 88 + Math.min(block.readUInt16LE(80), 256)),
  };
  const tree = { kind: 'hash tree', facts: {}, content: sliceOf(blob, hashBlock || 4096) } as const;
  const note = 'every hash follows from the data and the salt';
  return { form: 'dm-verity hash tree', kind: 'hash tree', facts, members: new Map([['hashes', { ...tree, note }]]) };
};
