import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import type { ImageJob } from './image-job.ts';
import { resolveIn } from './image-prune.ts';
import { run } from './image-run.ts';

const folders = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib'];

/**
 * Finds the shared libraries that programs of the image load, and the loader itself, without running any of them.
 * @param programs paths relative to the root
 * @returns paths relative to the root under which the loader looks for them, sorted
 * @throws Fault for a program or library that is not in the image
 */
export async function findLibraries(job: ImageJob, programs: string[]): Promise<string[]> {
  const found = new Set<string>();
  const todo = [...programs];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const file = await resolveIn(job.root, path.join(job.root, name));
    if (!file) throw new Fault(`${name} is wanted in the initramfs, but not in the image`, 'see image/base.yaml');
    const { stdout } = await run(job)`readelf --wide --dynamic --program-headers ${file}`;
    const needed = [...stdout.matchAll(/\(NEEDED\)\s+Shared library: \[(.*)\]/g)].map(([, library = '']) => library);
    const paths = await Promise.all(needed.map((library) => findLibrary(job.root, library, name)));
    const loader = /interpreter: \/(.*)\]/.exec(stdout)?.[1];
    if (loader) paths.push(loader);
    for (const wanted of paths.filter((library) => !found.has(library))) {
      found.add(wanted);
      todo.push(wanted);
    }
  }
  return [...found].toSorted(compareText);
}

async function findLibrary(root: string, library: string, user: string): Promise<string> {
  for (const folder of folders) {
    if (await resolveIn(root, path.join(root, folder, library))) return path.join(folder, library);
  }
  throw new Fault(`${user} needs ${library}, which is not in the image`, 'see image/base.yaml and image/system.yaml');
}
