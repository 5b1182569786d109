import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';
import type { ImageJob } from './image-job.ts';
import { run } from './image-run.ts';

/** Where the package has it; also its place in the initramfs. */
export const busyboxPath = 'usr/bin/busybox';

/**
 * Checks that busybox can do what it is wanted for. It is asked itself, so the board must be of this machine's kind.
 * @param applets names of commands
 * @param where file that lists them, for the message
 * @throws Fault that names what is missing
 */
export async function checkApplets(job: ImageJob, applets: string[], where: string): Promise<void> {
  const file = path.join(job.root, busyboxPath);
  if (!(await fs.stat(file).catch(() => undefined))) {
    throw new Fault('the packages have no busybox', 'see packages/busybox/recipe.yaml');
  }
  const known = new Set((await run(job)`${file} --list`).stdout.split('\n'));
  const missing = applets.filter((applet) => !known.has(applet));
  if (missing.length > 0) {
    throw new Fault(
      `${where} wants ${missing.join(', ')} of busybox, which was built without`,
      'switch it on in packages/busybox, or take it off the list',
    );
  }
}

/** Links commands to busybox, where no package brings a program of that name. */
export async function linkApplets(job: ImageJob, applets: string[]): Promise<void> {
  const { root } = job;
  await checkApplets(job, applets, 'image/system.yaml');
  const names = await Promise.all(['usr/bin', 'usr/sbin'].map((folder) => fs.readdir(path.join(root, folder))));
  const taken = new Set(names.flat());
  const free = applets.filter((applet) => !taken.has(applet));
  await Promise.all(free.map((applet) => fs.symlink('busybox', path.join(root, 'usr/bin', applet))));
}
