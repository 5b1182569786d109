import { fixedEnv, type ImageJob } from './image-job.ts';
import { sh } from './vm-shell.ts';

/**
 * `$` for one run: quiet, in the fixed environment, ended together with us.
 * @returns tag for a template string; values in it become quoted arguments
 */
export function run(job: ImageJob) {
  return sh({ env: fixedEnv(job.epoch) });
}
