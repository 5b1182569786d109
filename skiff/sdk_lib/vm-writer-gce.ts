import { pigzArgs } from './vm-compress.ts';
import { prepareDisk } from './vm-disk.ts';
import { findExtents } from './vm-extents.ts';
import { mainFile, type Produced, tempFile, type VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';
import { writeSparseTar } from './vm-sparse-tar.ts';

/** Google Compute Engine: gzip over a tar in old GNU format with one sparse member `disk.raw`. */
export async function writeGceTar(job: VmJob): Promise<Produced[]> {
  const { file, sizeBytes } = await prepareDisk(job);
  const extents = await findExtents(file);
  const tar = tempFile(job, 'disk.tar');
  await writeSparseTar({ file, name: 'disk.raw', sizeBytes, extents, epoch: job.epoch }, tar);
  const image = mainFile(job);
  await sh`pigz ${pigzArgs()} < ${tar} > ${image.file}`;
  return [image];
}
