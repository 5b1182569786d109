import assert from 'node:assert/strict';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { CheckedImage } from './vm-checks.ts';

/**
 * An initramfs that starts with a cpio archive with the beginning of USR-A, ends with the disk's own initramfs, and lies
 * beside the kernel and a script for iPXE that names both and carries the root hash.
 */
export async function checkPxe(image: CheckedImage): Promise<void> {
  const initramfs = await readFile(image.file);
  const listing = await execa('cpio', ['--list', '--quiet'], { input: initramfs });
  assert.deepEqual(listing.stdout.split('\n'), ['skiff', 'skiff/usr.img']);
  await execa('cpio', ['--extract', '--quiet'], { input: initramfs, cwd: image.scratch });
  await assertIsUsr(image, join(image.scratch, 'skiff/usr.img'));
  const own = await readFromEsp(image, `${image.disk}@@${(await findEsp(image.disk)).start}`, '/skiff/initrd-a');
  assert.ok(initramfs.subarray(-own.length).equals(own), 'ends with the initramfs of the disk');
  assert.ok(
    (await readFile(join(dirname(image.file), 'skiff_production_pxe.vmlinuz'))).equals(await readFile(image.kernel)),
  );
  const script = await readFile(join(dirname(image.file), 'skiff_production_pxe.ipxe'), 'utf8');
  assert.match(script, /^#!ipxe\n/);
  assert.match(
    script,
    /^kernel skiff_production_pxe.vmlinuz initrd=skiff_production_pxe_image.cpio .*usrhash=[0-9a-f]+ /m,
  );
  assert.match(script, / skiff.live=initrd$/m);
  assert.doesNotMatch(script, /skiff.slot/);
}

/** ISO 9660 with USR-A's beginning; El Torito for UEFI and a GPT both point at one FAT with loader, kernel and initramfs. */
export async function checkIso(image: CheckedImage): Promise<void> {
  const report = await execa('xorriso', ['-indev', image.file, '-report_el_torito', 'plain'], { all: true });
  const [, lba] = /^El Torito boot img : +1 +UEFI +y +none .* (\d+)$/m.exec(report.all) ?? [];
  assert.ok(lba, `no El Torito image for UEFI:\n${report.all}`);
  assert.match(report.all, /^Volume id +: 'SKIFF'$/m);
  const esp = await findEsp(image.file);
  assert.equal(Number(lba) * 2048, esp.start, 'CD and USB stick boot from the same place');
  const usr = join(image.scratch, 'usr.img');
  await execa('xorriso', ['-osirrox', 'on', '-indev', image.file, '-extract', '/skiff/usr.img', usr]);
  await assertIsUsr(image, usr);
  const fat = join(image.scratch, 'esp.fat');
  await writeFile(fat, await readSlice(image.file, esp.start, esp.length));
  await execa('fsck.fat', ['-n', fat]);
  assert.ok((await readFromEsp(image, fat, '/skiff/vmlinuz')).equals(await readFile(image.kernel)));
  const entry = (await readFromEsp(image, fat, '/loader/entries/live.conf')).toString();
  assert.match(entry, /^options .*usrhash=[0-9a-f]+ .*skiff.live=SKIFF$/m);
  assert.ok((await readFromEsp(image, fat, '/EFI/BOOT/BOOTX64.EFI')).length > 0);
}

/** Place of the EFI system partition, in bytes, as sfdisk reads the partition table. */
export async function findEsp(file: string): Promise<{ start: number; length: number }> {
  const { partitiontable } = JSON.parse((await execa('sfdisk', ['--json', file])).stdout);
  const efiSystem = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
  const found = partitiontable.partitions.find(({ type }: { type: string }) => type.toUpperCase() === efiSystem);
  assert.ok(found, `${file} has no EFI system partition`);
  return { start: found.start * 512, length: found.size * 512 };
}

async function readFromEsp(image: CheckedImage, drive: string, file: string): Promise<Buffer> {
  const target = join(image.scratch, 'from-esp');
  await execa('mcopy', ['-n', '-o', '-i', drive, `::${file}`, target]);
  return readFile(target);
}

/** The file is USR-A without zeros at its end. */
async function assertIsUsr(image: CheckedImage, file: string): Promise<void> {
  const { partitiontable } = JSON.parse((await execa('sfdisk', ['--json', image.disk])).stdout);
  const usr = partitiontable.partitions.find(({ name }: { name: string }) => name === 'USR-A');
  const { size } = await stat(file);
  const rest = await readSlice(image.disk, usr.start * 512 + size, usr.size * 512 - size);
  assert.ok(size > 0 && rest.every((byte) => byte === 0), 'nothing of USR-A is missing');
  assert.ok((await readFile(file)).equals(await readSlice(image.disk, usr.start * 512, size)), 'it is USR-A');
}

async function readSlice(file: string, start: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    await handle.read(bytes, 0, length, start);
    return bytes;
  } finally {
    await handle.close();
  }
}
