import { rename } from 'node:fs/promises';
import { prepareDisk } from './vm-disk.ts';
import { mainFile, type Produced, pinnedUuid, tempFile, type VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';
import { pinVhd } from './vm-vhd-pin.ts';
import { pinVhdx } from './vm-vhdx-pin.ts';

/** The disk as it is, byte for byte. Nothing is copied when only the compressed file is kept. */
export async function writeRaw(job: VmJob): Promise<Produced[]> {
  const disk = await prepareDisk(job);
  return [{ ...mainFile(job), file: disk.file, borrowed: disk.borrowed }];
}

/** QEMU's own format. Version 1.1 is what every cloud takes; clusters are not compressed: their content already is. */
export async function writeQcow2(job: VmJob): Promise<Produced[]> {
  return [await convert(job, 'qcow2', 'compat=1.1')];
}

/** Fixed VHD: the raw disk and a footer. force_size: the size field counts, not what the CHS geometry can express. */
export async function writeVhdFixed(job: VmJob): Promise<Produced[]> {
  return writeVhd(job, 'subformat=fixed,force_size=on');
}

/** Dynamic VHD for Hyper-V. */
export async function writeVhdDynamic(job: VmJob): Promise<Produced[]> {
  return writeVhd(job, 'subformat=dynamic,force_size=on');
}

/** Dynamic VHDX for Hyper-V. */
export async function writeVhdx(job: VmJob): Promise<Produced[]> {
  const image = await convert(job, 'vhdx', 'subformat=dynamic');
  await pinVhdx(image.file, (purpose) => pinnedUuid(job, purpose));
  return [image];
}

async function writeVhd(job: VmJob, options: string): Promise<Produced[]> {
  const image = await convert(job, 'vpc', options);
  await pinVhd(image.file, job.epoch, pinnedUuid(job, 'vhd'));
  return [image];
}

/** qemu-img writes to a name of its own: a half-written file never has the name of a result, not even in temp. */
async function convert(job: VmJob, driver: string, options: string): Promise<Produced> {
  const disk = await prepareDisk(job);
  const raw = tempFile(job, 'converting');
  await sh`qemu-img convert -f raw -O ${driver} -o ${options} ${disk.file} ${raw}`;
  const image = mainFile(job);
  await rename(raw, image.file);
  return image;
}
