import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';

/** Module name as the kernel says it: file name without folder and ending, - and _ are the same. */
function getModuleName(file: string): string {
  return path
    .basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/**
 * Finds modules and everything they depend on.
 * @param names module names
 * @param modulesDep text of modules.dep
 * @returns files relative to the folder of modules.dep, sorted
 * @throws Fault that names the modules which this kernel does not have
 */
export function resolveModules(names: string[], modulesDep: string): string[] {
  const lines = modulesDep.split('\n').filter((line) => line.includes(':'));
  const table = new Map(
    lines.map((line) => {
      const [file = '', needs = ''] = line.split(':');
      return [getModuleName(file), [file, ...needs.split(' ').filter((need) => need !== '')]];
    }),
  );
  const missing = names.filter((name) => !table.has(getModuleName(name)));
  if (missing.length > 0) {
    throw new Fault(
      `image/initramfs/contents.yaml lists modules that the kernel does not have: ${missing.join(', ')}`,
      'correct the name, drop it when the driver is built in, or see image/base.yaml for folders that are left out',
    );
  }
  return [...new Set(names.flatMap((name) => table.get(getModuleName(name)) ?? []))].toSorted(compareText);
}

/** @returns release of the only kernel in a root filesystem, for example 6.1.0-49-amd64 */
export async function getKernelRelease(root: string): Promise<string> {
  const releases = await fs.readdir(path.join(root, 'usr/lib/modules'));
  const [release] = releases;
  if (!release || releases.length > 1) throw new Fault(`expected modules of one kernel, found ${releases.join(', ')}`);
  return release;
}
