import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { log } from './log.ts';
import { makeCompanions } from './vm-companions.ts';
import { compressProduced } from './vm-compress.ts';
import type { Produced, VmJob } from './vm-job.ts';
import type { VmOptions } from './vm-options.ts';
import { runWithCleanup } from './vm-shell.ts';
import { writers } from './vm-writers.ts';

/**
 * Make the files of one format. Everything is written in a hidden folder beside the results and moved to its name when
 * all of it is finished; whatever happens, the hidden folder goes away.
 * @returns names and sizes in bytes of the files in the target folder
 */
export async function convertImage(job: VmJob, options: VmOptions): Promise<{ name: string; sizeBytes: number }[]> {
  await removeLeftovers(job);
  await mkdir(job.temp);
  return runWithCleanup(
    async () => publish(job, await produce(job, options)),
    () => rm(job.temp, { recursive: true, force: true }),
  );
}

async function produce(job: VmJob, options: VmOptions): Promise<Produced[]> {
  log(`${job.format.name}: converting`);
  const writer = writers[job.format.writer];
  if (!writer) throw new Error(`no writer ${job.format.writer}`);
  const made = await writer(job);
  const results = await makeCompanions(job);
  for (const file of made) {
    if (file.compress) log(`${job.format.name}: compressing (${options.compressions.join(', ')})`);
    results.push(...(await compressProduced(job, file, options.compressions, options.onlyStoreCompressed)));
  }
  return results;
}

async function publish(job: VmJob, results: readonly Produced[]): Promise<{ name: string; sizeBytes: number }[]> {
  const published: { name: string; sizeBytes: number }[] = [];
  for (const { file, name } of results) {
    const { size } = await stat(file);
    await chmod(file, name.endsWith('.sh') ? 0o755 : 0o644);
    await rename(file, path.join(job.target, name));
    published.push({ name, sizeBytes: size });
  }
  return published;
}

/** A run that was killed outright could not clean up: its folder is named after a process that is no more. */
async function removeLeftovers(job: VmJob): Promise<void> {
  const prefix = `.image_to_vm-${job.format.name}-`;
  for (const name of await readdir(job.target)) {
    const pid = Number(name.slice(prefix.length));
    if (!name.startsWith(prefix) || isAlive(pid)) continue;
    await rm(path.join(job.target, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid !== process.pid && process.kill(pid, 0);
  } catch {
    return false;
  }
}
