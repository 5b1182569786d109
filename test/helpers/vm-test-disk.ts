import { createHash } from 'node:crypto';
import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildEfiProgram } from './vm-efi-program.ts';

const mebibyte = 1024 * 1024;

/** A small disk that is laid out like Skiff's, beside the files that come with one. Paths are absolute. */
export interface TestDisk {
  /** What `--from` of image_to_vm.sh gets. */
  readonly folder: string;
  readonly disk: string;
  readonly kernel: Buffer;
  readonly initramfs: Buffer;
  /** Content of USR-A without the zeros behind it. */
  readonly usr: Buffer;
  readonly options: string;
  readonly version: string;
}

/** Bytes that do not compress and are the same in every run. */
export function noise(name: string, sizeBytes: number): Buffer {
  return createHash('shake256', { outputLength: sizeBytes }).update(name).digest();
}

/**
 * Make the disk with sfdisk and mtools. Its content does not boot; it has what the formats differ in: data that compresses,
 * data that does not, zeros in the midst of data, holes, and a size that is no whole number of GiB.
 */
export async function makeTestDisk(folder: string): Promise<TestDisk> {
  const disk = join(folder, 'skiff_production_image.bin');
  const version = '4523.0.0+test-1';
  const options = 'console=ttyS0 usrhash=0123abcd usrverity=1:cd';
  const kernel = buildEfiProgram(noise('kernel', 700_001));
  const initramfs = noise('initramfs', 900_001);
  const usr = Buffer.concat([noise('usr', mebibyte), Buffer.alloc(mebibyte), Buffer.from('Skiff '.repeat(200_000))]);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'skiff_production_image.vmlinuz'), kernel);
  await writeFile(join(folder, 'version.txt'), `SKIFF_VERSION=${version}\nSKIFF_VERSION_ID=4523.0.0\n`);
  await writeFile(disk, '');
  await truncate(disk, 97 * mebibyte);
  await execa('sfdisk', ['--quiet', disk], { input: partitionTable });
  await writeAt(disk, 33 * mebibyte, usr);
  await writeAt(disk, 90 * mebibyte + 512, noise('root', 300_000));
  const boot = { initrd: initramfs, kernel, entry: bootEntry(`${options} skiff.slot=a`) };
  await fillEsp(folder, disk, boot);
  return { folder, disk, kernel, initramfs, usr, options, version };
}

const partitionTable = `label: gpt
label-id: 3b0e5c1a-6f1d-4f1e-9a64-5c1d8f6e2b00
start=1MiB, size=32MiB, name=EFI-SYSTEM, type=uefi
start=33MiB, size=16MiB, name=USR-A
start=49MiB, size=16MiB, name=USR-B
start=65MiB, size=8MiB, name=OEM
start=73MiB, size=23MiB, name=ROOT
`;

const bootEntry = (options: string): Buffer =>
  Buffer.from(`title Skiff\nlinux /skiff/vmlinuz-a\ninitrd /skiff/initrd-a\noptions ${options}\n`);

async function fillEsp(folder: string, disk: string, files: Record<'initrd' | 'kernel' | 'entry', Buffer>) {
  const drive = `${disk}@@1M`;
  await execa('mformat', ['-i', drive, '-T', String((32 * mebibyte) / 512), '-h', '16', '-s', '63', '::']);
  await execa('mmd', [
    '-i',
    drive,
    ...['EFI', 'EFI/BOOT', 'loader', 'loader/entries', 'skiff'].map((dir) => `::/${dir}`),
  ]);
  const put = async (content: Buffer, target: string): Promise<void> => {
    const file = join(folder, 'put');
    await writeFile(file, content);
    await execa('mcopy', ['-i', drive, file, `::/${target}`]);
  };
  await put(buildEfiProgram(noise('loader', 100_000)), 'EFI/BOOT/BOOTX64.EFI');
  await put(files.kernel, 'skiff/vmlinuz-a');
  await put(files.initrd, 'skiff/initrd-a');
  await put(files.entry, 'loader/entries/a.conf');
}

async function writeAt(file: string, position: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}
