import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prepareDisk } from './vm-disk.ts';
import { findExtents, readChunks } from './vm-extents.ts';
import { fillTemplate } from './vm-formats.ts';
import { mainFile, type Produced, pinnedUuid, pinnedUuidText, tempFile, type VmJob } from './vm-job.ts';
import { packTar } from './vm-tar.ts';
import { grainBytes } from './vm-vmdk-layout.ts';
import { writeStreamVmdk } from './vm-vmdk-stream.ts';

/** Stream-optimised VMDK: what ESX, AWS VM import and VirtualBox read from a stream. */
export async function writeVmdk(job: VmJob): Promise<Produced[]> {
  const image = mainFile(job);
  await writeDisk(job, image.file);
  return [image];
}

/**
 * OVA: a tar whose members come in the order of DSP0243 (Open Virtualization Format) 7: descriptor, manifest, disks.
 * An importer may read it as a stream, so the order is not a matter of taste.
 */
export async function writeOva(job: VmJob): Promise<Produced[]> {
  const stem = path.basename(job.format.image, path.extname(job.format.image));
  const names = { ovf: `${stem}.ovf`, manifest: `${stem}.mf`, disk: `${stem}-disk1.vmdk` };
  const disk = await writeDisk(job, tempFile(job, names.disk));
  await writeFile(
    tempFile(job, names.ovf),
    await fillTemplate(path.join(job.assets, 'templates', job.format.template), {
      name: `Skiff ${job.version}`,
      version: job.version,
      diskFile: names.disk,
      fileBytes: disk.sizeBytes,
      capacityBytes: disk.capacityBytes,
      machineUuid: pinnedUuidText(job, 'machine'),
      diskUuid: pinnedUuidText(job, 'disk'),
    }),
  );
  const ovfHash = createHash('sha256')
    .update(await readFile(tempFile(job, names.ovf)))
    .digest('hex');
  const manifest = `SHA256(${names.ovf})= ${ovfHash}\nSHA256(${names.disk})= ${disk.sha256}\n`;
  await writeFile(tempFile(job, names.manifest), manifest);
  const image = mainFile(job);
  await packTar(job, image.file, [names.ovf, names.manifest, names.disk]);
  return [image];
}

async function writeDisk(job: VmJob, target: string) {
  const disk = await prepareDisk(job);
  const written = await writeStreamVmdk({
    target,
    capacityBytes: disk.sizeBytes,
    grains: readChunks(disk.file, await findExtents(disk.file), grainBytes),
    // ffffffff means "no content id", fffffffe "not set": stay below both.
    cid: pinnedUuid(job, 'vmdk').readUInt32LE(0) & 0x7fffffff,
    name: path.basename(target),
    adapter: 'lsilogic',
  });
  return { ...written, capacityBytes: disk.sizeBytes };
}
