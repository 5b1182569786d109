import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fillTemplate } from './vm-formats.ts';
import { type Produced, tempFile, type VmJob } from './vm-job.ts';

/** Make the small files of the format's row that go beside the image: start scripts and firmware. */
export async function makeCompanions(job: VmJob): Promise<Produced[]> {
  const made: Produced[] = [];
  for (const { template, copy, as } of job.format.companions) {
    const file = tempFile(job, as);
    if (copy) await copyFile(copy, file);
    else await writeFile(file, await fillTemplate(path.join(job.assets, 'templates', template), getValues(job)));
    made.push({ file, name: as, compress: false });
  }
  return made;
}

function getValues(job: VmJob): Record<string, string> {
  const { name, image, values } = job.format;
  return { ...values, format: name, image, version: job.version, stem: `skiff_production_${name}` };
}
