import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prepareDisk } from './vm-disk.ts';
import { fillTemplate } from './vm-formats.ts';
import { mainFile, type Produced, tempFile, type VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';
import { packTar } from './vm-tar.ts';

const gibibyte = 1024 ** 3;

/** Vagrant box of the libvirt provider: a tar of metadata.json, a Vagrantfile with defaults, and the disk as qcow2. */
export async function writeVagrantBox(job: VmJob): Promise<Produced[]> {
  const disk = await prepareDisk(job);
  await sh`qemu-img convert -f raw -O qcow2 -o compat=1.1 ${disk.file} ${tempFile(job, 'box.img')}`;
  const metadata = { provider: 'libvirt', format: 'qcow2', virtual_size: Math.ceil(disk.sizeBytes / gibibyte) };
  await writeFile(tempFile(job, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
  const template = path.join(job.assets, 'templates', job.format.template);
  await writeFile(tempFile(job, 'Vagrantfile'), await fillTemplate(template, { version: job.version }));
  const image = mainFile(job);
  await packTar(job, `${image.file}.tmp`, ['metadata.json', 'Vagrantfile', 'box.img']);
  await rename(`${image.file}.tmp`, image.file);
  return [image];
}
