import type { VmJob } from './vm-job.ts';
import { sh } from './vm-shell.ts';

/** Put files of the temp folder into a plain tar, in the given order; owner, mode and time are the same everywhere. */
export async function packTar(job: VmJob, target: string, names: readonly string[]): Promise<void> {
  const pinned = ['--owner=root:0', '--group=root:0', '--mode=0644', '--numeric-owner', `--mtime=@${job.epoch}`];
  await sh`tar --format=ustar ${pinned} -C ${job.temp} -cf ${target} -- ${names}`;
}
