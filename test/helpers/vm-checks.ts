/**
 * What every vendor format must be, told by tools that are not ours: qemu-img, GNU tar, cpio, xmllint, xorriso, mtools, sfdisk,
 * sha256sum. Each check throws when the format is not what its vendor expects.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { checkIso, checkPxe, findEsp } from './vm-checks-live.ts';
import { checkOva } from './vm-checks-ova.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** What a check looks at. */
export interface CheckedImage {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path of the raw disk that it was made of. */
  readonly disk: string;
  /** Absolute path of the kernel beside that disk. */
  readonly kernel: string;
  /** An empty folder to unpack things in. */
  readonly scratch: string;
}

type Check = (image: CheckedImage) => Promise<void>;

/** Driver name of QEMU for a plain disk of some format; `check` says whether qemu-img can check its structure. */
const disk = (driver: string, { check }: { check: boolean }): Check => {
  return async (image) => {
    if (check) await execa('qemu-img', ['check', '-f', driver, image.file]);
    await assertSameDisk(image.disk, image.file, driver);
  };
};

const qcow2 = disk('qcow2', { check: true });
const vmdk: Check = async (image) => {
  await disk('vmdk', { check: true })(image);
  const info = await imageInfo(image.file, 'vmdk');
  assert.equal(info['format-specific'].data['create-type'], 'streamOptimized');
};
const raw = disk('raw', { check: false });
const dynamicVhd: Check = async (image) => {
  await disk('vpc', { check: false })(image);
  assert.match((await execa('file', ['--brief', image.file])).stdout, /^Microsoft Disk Image/);
};

/** Extension of the file and the check of its content, for every row of skiff/vms/formats.yaml. */
export const formatChecks: Readonly<Record<string, { readonly ext: string; readonly check: Check }>> = {
  raw: { ext: 'bin', check: raw },
  ami: { ext: 'bin', check: raw },
  vmware_raw: { ext: 'bin', check: raw },
  digitalocean: { ext: 'bin', check: raw },
  hetzner: { ext: 'bin', check: raw },
  akamai: { ext: 'bin', check: raw },
  qemu: { ext: 'img', check: qcow2 },
  qemu_uefi: { ext: 'img', check: qcow2 },
  qemu_uefi_secure: { ext: 'img', check: checkSecure },
  openstack: { ext: 'img', check: qcow2 },
  stackit: { ext: 'img', check: qcow2 },
  proxmoxve: { ext: 'img', check: qcow2 },
  oraclecloud: { ext: 'img', check: qcow2 },
  scaleway: { ext: 'qcow2', check: qcow2 },
  kubevirt: { ext: 'qcow2', check: qcow2 },
  exoscale: { ext: 'qcow2', check: qcow2 },
  ami_vmdk: { ext: 'vmdk', check: vmdk },
  vmware: { ext: 'vmdk', check: vmdk },
  vmware_ova: { ext: 'ova', check: (image) => checkOva(image, 'vmware') },
  virtualbox: { ext: 'ova', check: (image) => checkOva(image, 'virtualbox') },
  hyperv: { ext: 'vhd', check: dynamicVhd },
  hyperv_vhdx: { ext: 'vhdx', check: disk('vhdx', { check: true }) },
  azure: { ext: 'vhd', check: checkAzure },
  gce: { ext: 'tar.gz', check: checkGce },
  vagrant: { ext: 'box', check: checkVagrant },
  pxe: { ext: 'cpio', check: checkPxe },
  iso: { ext: 'iso', check: checkIso },
};

/** Check one format. @param folder what `--to` was; the file must be there uncompressed */
export async function checkFormat(format: string, folder: string, source: Omit<CheckedImage, 'file'>): Promise<void> {
  const row = formatChecks[format];
  assert.ok(row, `no check for format ${format}`);
  await rm(source.scratch, { recursive: true, force: true });
  await mkdir(source.scratch, { recursive: true });
  await row.check({ ...source, file: join(folder, `skiff_production_${format}_image.${row.ext}`) });
}

/** Same content, as qemu-img sees it. A longer disk passes when it only has zeros and the moved GPT behind. */
export async function assertSameDisk(expected: string, file: string, driver: string): Promise<void> {
  const result = await execa('qemu-img', ['compare', '-f', 'raw', '-F', driver, expected, file], { reject: false });
  assert.equal(result.exitCode, 0, `${file} is not the disk it was made of: ${result.stdout} ${result.stderr}`);
}

async function imageInfo(file: string, driver: string) {
  return JSON.parse((await execa('qemu-img', ['info', '--output=json', '-f', driver, file])).stdout);
}

/** A fixed VHD is the raw disk plus 512 bytes; Azure wants whole MiB and takes the size from the footer's "current size". */
async function checkAzure(image: CheckedImage): Promise<void> {
  await assertSameDisk(image.disk, image.file, 'vpc');
  const virtual = (await imageInfo(image.file, 'vpc'))['virtual-size'];
  assert.equal(virtual % mebibyte, 0, 'virtual size is a whole number of MiB');
  assert.equal((await stat(image.file)).size, virtual + 512, 'file is the disk and one footer');
  const footer = (await readFile(image.file)).subarray(-512);
  assert.equal(footer.toString('latin1', 0, 8), 'conectix');
  assert.equal(footer.readUInt32BE(60), 2, 'disk type is fixed');
  assert.equal(footer.readBigUInt64BE(48), BigInt(virtual), 'current size');
  const sum = footer.reduce((total, byte, index) => (index >= 64 && index < 68 ? total : total + byte), 0);
  assert.equal(footer.readUInt32BE(64), ~sum >>> 0, 'checksum of the footer');
}

/** One sparse member disk.raw in old GNU format, whole GiB, and a partition table whose second copy is at the end. */
async function checkGce(image: CheckedImage): Promise<void> {
  const listing = await execa('tar', ['--list', '--verbose', '--numeric-owner', '-zf', image.file], {
    env: { TZ: 'UTC' },
  });
  assert.match(listing.stdout, /^-rw-r--r-- 0\/0 +\d+ [-\d]+ [:\d]+ disk\.raw$/);
  const header = await execa('sh', ['-c', 'gzip -dc -- "$1" | head -c 512', 'sh', image.file], {
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  const bytes = Buffer.from(header.stdout);
  assert.equal(bytes.toString('latin1', 257, 265), 'ustar  \0', 'magic of the old GNU format');
  assert.equal(bytes.toString('latin1', 156, 157), 'S', 'a sparse member');
  await execa('tar', ['-xzf', image.file, '-C', image.scratch]);
  const unpacked = join(image.scratch, 'disk.raw');
  assert.equal((await stat(unpacked)).size % gibibyte, 0, 'whole GiB');
  assert.match((await execa('sfdisk', ['--verify', unpacked])).stdout, /^No errors detected\.$/m);
  await assertSamePartitions(image.disk, unpacked);
}

/** The disk may have grown: partitions, and what is in them, stay. */
async function assertSamePartitions(expected: string, grown: string): Promise<void> {
  const read = async (file: string) => JSON.parse((await execa('sfdisk', ['--json', file])).stdout).partitiontable;
  const [before, after] = [await read(expected), await read(grown)];
  const strip = ({ node: _, ...partition }: { node: string }) => partition;
  assert.deepEqual(after.partitions.map(strip), before.partitions.map(strip));
  const last = before.partitions.at(-1);
  const bytes = String((last.start + last.size) * 512 - mebibyte);
  await execa('cmp', ['--ignore-initial=1048576', `--bytes=${bytes}`, expected, grown]);
}

/** Boot loader and kernel carry signatures that hold under the key in the firmware's variables; all else is the same disk. */
async function checkSecure(image: CheckedImage): Promise<void> {
  await execa('qemu-img', ['check', '-f', 'qcow2', image.file]);
  const unpacked = join(image.scratch, 'disk.raw');
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image.file, unpacked]);
  const { start, length } = await findEsp(unpacked);
  for (const path of ['/EFI/BOOT/BOOTX64.EFI', '/skiff/vmlinuz-a']) {
    const program = join(image.scratch, 'program.efi');
    await execa('mcopy', ['-n', '-o', '-i', `${unpacked}@@${start}`, `::${path}`, program]);
    await execa('sbverify', ['--cert', '/usr/share/ovmf/PkKek-1-snakeoil.pem', program]);
  }
  await execa('cmp', [`--bytes=${start}`, image.disk, unpacked]);
  await execa('cmp', [`--ignore-initial=${start + length}`, image.disk, unpacked]);
}

async function checkVagrant(image: CheckedImage): Promise<void> {
  const listing = await execa('tar', ['--list', '-f', image.file]);
  assert.deepEqual(listing.stdout.split('\n'), ['metadata.json', 'Vagrantfile', 'box.img']);
  await execa('tar', ['-xf', image.file, '-C', image.scratch]);
  const metadata = JSON.parse(await readFile(join(image.scratch, 'metadata.json'), 'utf8'));
  assert.deepEqual([metadata.provider, metadata.format], ['libvirt', 'qcow2']);
  const virtual = (await imageInfo(join(image.scratch, 'box.img'), 'qcow2'))['virtual-size'];
  assert.equal(metadata.virtual_size, Math.ceil(virtual / gibibyte));
  await qcow2({ ...image, file: join(image.scratch, 'box.img') });
}
