import { type Blob, readBytes } from './blob.ts';

/** What the first bytes of something say that it is. */
export type Form =
  | 'gzip'
  | 'bzip2'
  | 'xz'
  | 'zstd'
  | 'lz4'
  | 'qcow2'
  | 'vmdk'
  | 'vhdx'
  | 'vdi'
  | 'vhd'
  | 'gpt'
  | 'squashfs'
  | 'ext4'
  | 'fat'
  | 'verity'
  | 'iso9660'
  | 'tar'
  | 'cpio'
  | 'ar'
  | 'zip'
  | 'elf'
  | 'btrfs'
  | 'erofs'
  | 'data';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** Bytes at a place, in the order in which they count. */
const SIGNS: readonly (readonly [Form, number, Buffer])[] = [
  ['gzip', 0, hex('1f8b08')],
  ['bzip2', 0, Buffer.from('BZh')],
  ['xz', 0, hex('fd377a585a00')],
  ['zstd', 0, hex('28b52ffd')],
  ['lz4', 0, hex('04224d18')],
  ['lz4', 0, hex('02214c18')],
  ['qcow2', 0, hex('514649fb')],
  ['vmdk', 0, Buffer.from('KDMV')],
  ['vhdx', 0, Buffer.from('vhdxfile')],
  ['vhd', 0, Buffer.from('conectix')],
  ['vdi', 0x40, hex('7f10dabe')],
  ['elf', 0, hex('7f454c46')],
  ['ar', 0, Buffer.from('!<arch>\n')],
  ['zip', 0, hex('504b0304')],
  ['cpio', 0, Buffer.from('070701')],
  ['cpio', 0, Buffer.from('070702')],
  ['squashfs', 0, Buffer.from('hsqs')],
  ['verity', 0, Buffer.from('verity\0\0')],
  ['iso9660', 0x8001, Buffer.from('CD001')],
  ['gpt', 512, Buffer.from('EFI PART')],
  ['tar', 257, Buffer.from('ustar')],
  ['ext4', 1080, hex('53ef')],
  ['erofs', 1024, hex('e2e1f5e0')],
  ['btrfs', 0x10040, Buffer.from('_BHRfS_M')],
];

const HEAD_BYTES = 0x10100;

const isFat = (head: Buffer): boolean =>
  head.length >= 512 &&
  head.readUInt16LE(510) === 0xaa55 &&
  (head.toString('latin1', 54, 57) === 'FAT' || head.toString('latin1', 82, 87) === 'FAT32');

const isFixedVhd = async (blob: Blob): Promise<boolean> =>
  blob.sizeBytes > 512 &&
  blob.sizeBytes % 512 === 0 &&
  (await readBytes(blob, blob.sizeBytes - 512, 8)).toString('latin1') === 'conectix';

/** What a blob is, as far as its own bytes tell; names are not asked, they lie. */
export const formOf = async (blob: Blob): Promise<Form> => {
  const head = await readBytes(blob, 0, HEAD_BYTES);
  const sign = SIGNS.find(([, at, bytes]) => head.subarray(at, at + bytes.length).equals(bytes));
  if ((sign === undefined || sign[0] === 'gpt') && (await isFixedVhd(blob))) return 'vhd';
  if (sign) return sign[0];
  return isFat(head) ? 'fat' : 'data';
};
