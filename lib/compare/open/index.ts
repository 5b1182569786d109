import type { Blob } from '../blob.ts';
import type { Form } from '../form.ts';
import type { Opened } from '../types.ts';
import { NotReadable, type Workshop } from '../workshop.ts';
import { openAr, openCpio, openTar, openZip } from './archives.ts';
import { openElf } from './elf.ts';
import { openExt4 } from './ext4.ts';
import { openFat } from './fat.ts';
import { openGpt } from './gpt.ts';
import { openIso9660 } from './iso9660.ts';
import { openSquashfs } from './squashfs.ts';
import { openVerity } from './verity.ts';
import { openCompressed, openVhd, openVirtualDisk } from './wrappings.ts';

const OPENERS: Readonly<Record<Exclude<Form, 'data'>, (blob: Blob, shop: Workshop) => Promise<Opened>>> = {
  gzip: (blob, shop) => openCompressed('gzip', blob, shop),
  bzip2: (blob, shop) => openCompressed('bzip2', blob, shop),
  xz: (blob, shop) => openCompressed('xz', blob, shop),
  zstd: (blob, shop) => openCompressed('zstd', blob, shop),
  lz4: (blob, shop) => openCompressed('lz4', blob, shop),
  qcow2: (blob, shop) => openVirtualDisk('qcow2', blob, shop),
  vmdk: (blob, shop) => openVirtualDisk('vmdk', blob, shop),
  vhdx: (blob, shop) => openVirtualDisk('vhdx', blob, shop),
  vdi: (blob, shop) => openVirtualDisk('vdi', blob, shop),
  vhd: openVhd,
  gpt: openGpt,
  squashfs: openSquashfs,
  ext4: openExt4,
  fat: openFat,
  verity: openVerity,
  iso9660: openIso9660,
  tar: openTar,
  cpio: openCpio,
  ar: openAr,
  zip: openZip,
  elf: openElf,
  btrfs: async () => {
    throw new NotReadable('it is a btrfs file system, which cannot be read without mounting it');
  },
  erofs: async () => {
    throw new NotReadable('it is an erofs file system, which is not known here');
  },
};

/**
 * Looks into something. @returns undefined for what has nothing inside: data
 * @throws NotReadable, and what programs and the file system throw
 */
export const openThing = async (form: Form, blob: Blob, shop: Workshop): Promise<Opened | undefined> =>
  form === 'data' ? undefined : OPENERS[form](blob, shop);
