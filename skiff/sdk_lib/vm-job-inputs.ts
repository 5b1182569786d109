import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault, misuse } from './fault.ts';
import type { Format } from './vm-formats.ts';
import type { VmJob } from './vm-job.ts';
import type { VmOptions } from './vm-options.ts';

const inputNames = {
  disk: 'skiff_production_image.bin',
  kernel: 'skiff_production_image.vmlinuz',
  version: 'version.txt',
};

/**
 * Check what a conversion reads and make the folder it writes to.
 * @param epoch seconds since 1970 for every timestamp in the output
 * Throws a Fault (exit 2) that names the missing flag or all missing files.
 */
export async function assembleJob(options: VmOptions, format: Format, assets: string, epoch: number): Promise<VmJob> {
  if (options.from === '') throw misuse('--from is missing', `name the folder that has ${inputNames.disk}`);
  const from = path.resolve(options.from);
  const to = path.resolve(options.to);
  await checkInputs(from);
  await mkdir(to, { recursive: true });
  return {
    format,
    board: options.board,
    disk: path.join(from, inputNames.disk),
    kernel: path.join(from, inputNames.kernel),
    assets,
    target: to,
    temp: path.join(to, `.image_to_vm-${format.name}-${process.pid}`),
    epoch,
    version: await readVersion(path.join(from, inputNames.version)),
  };
}

async function checkInputs(from: string): Promise<void> {
  const tests = await Promise.allSettled(Object.values(inputNames).map((name) => access(path.join(from, name))));
  const missing = Object.values(inputNames).filter((_, index) => tests[index]?.status === 'rejected');
  if (missing.length > 0) {
    throw misuse(
      `${from} has no ${missing.join(', no ')}`,
      'give --from the folder with the results of build_image, unpacked',
    );
  }
}

async function readVersion(file: string): Promise<string> {
  const version = /^SKIFF_VERSION=("?)(.+)\1$/m.exec(await readFile(file, 'utf8'))?.[2];
  if (version) return version;
  throw new Fault(`${file} has no line SKIFF_VERSION=`, 'take the version.txt that build_image wrote beside the image');
}
