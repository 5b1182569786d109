import { rename } from 'node:fs/promises';
import { type BootFiles, readBootFiles } from './vm-boot-files.ts';
import { copySparse } from './vm-disk.ts';
import { mainFile, type Produced, tempFile, type VmJob } from './vm-job.ts';
import { pinnedEnv, sh } from './vm-shell.ts';

/**
 * Key pair that the package ovmf publishes for tests, together with firmware variables that trust it. Everybody has the
 * private half: it shows that the boot chain works with Secure Boot enforced, and protects nothing.
 */
const testKey = {
  key: '/usr/share/ovmf/PkKek-1-snakeoil.key',
  cert: '/usr/share/ovmf/PkKek-1-snakeoil.pem',
  pass: 'snakeoil',
};

/** qcow2 of the disk with boot loader and kernel of slot A signed, for firmware that starts only what is signed. */
export async function writeSecureQcow2(job: VmJob): Promise<Produced[]> {
  const disk = tempFile(job, 'secure.raw');
  await copySparse(job.disk, disk);
  await signBootFiles(job, await readBootFiles(job), disk);
  const image = mainFile(job);
  await sh`qemu-img convert -f raw -O qcow2 -o compat=1.1 ${disk} ${image.file}.part`;
  await rename(`${image.file}.part`, image.file);
  return [image];
}

async function signBootFiles(job: VmJob, boot: BootFiles, disk: string): Promise<void> {
  const key = tempFile(job, 'key.pem');
  await sh`openssl rsa -in ${testKey.key} -passin pass:${testKey.pass} -out ${key}`;
  const kernel = tempFile(job, 'kernel.efi');
  await sh`mcopy -i ${job.disk}@@${boot.espStart} ${`::${boot.kernelPath}`} ${kernel}`;
  const files: [string, string][] = [
    [boot.loader, '/EFI/BOOT/BOOTX64.EFI'],
    [kernel, boot.kernelPath],
  ];
  for (const [file, target] of files) {
    await signFile(job, file, key);
    await sh({ env: pinnedEnv(job.epoch) })`mcopy -o -i ${disk}@@${boot.espStart} ${`${file}.signed`} ${`::${target}`}`;
  }
}

/** A signature holds the time of signing, so the clock stands still; RSA with PKCS #1 v1.5 has nothing random in it. */
async function signFile(job: VmJob, file: string, key: string): Promise<void> {
  const clock = new Date(job.epoch * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const sign = ['sbsign', '--key', key, '--cert', testKey.cert, '--output', `${file}.signed`, file];
  await sh({ env: pinnedEnv(job.epoch) })`faketime -f ${clock} ${sign}`;
}
