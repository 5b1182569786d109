import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { formatBytes } from '../../log/index.ts';
import { failed, ok, warning } from '../finding.ts';
import type { Check } from '../types.ts';

const GIB = 1024 ** 3;
/** Compilers and the compression of images want about this much. */
const ENOUGH_BYTES = 2 * GIB;
/** Below this, even moving an image from one place to another is killed. */
const LEAST_BYTES = GIB / 2;

/** What programs can still get without swapping, as the kernel sees it. */
const availableBytes = async (): Promise<number> => {
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? freemem() : Number(kib) * 1024;
};

/** The limit of the control group that this process is in; undefined without one. */
const limitBytes = (): number | undefined => {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
};

export const memory: Check = {
  name: 'memory',
  summary: 'memory that programs can still get, also by the limit of a container or a slice',
  async run({ tree }) {
    const [free, limit] = [await availableBytes(), limitBytes()];
    const usable = Math.min(free, limit ?? free);
    const limited = limit === undefined ? '' : `, limited to ${formatBytes(limit)}`;
    const seen = `${formatBytes(usable)} of ${formatBytes(totalmem())} can be had${limited}`;
    const fix = 'End what else runs here, raise the limit of the container or slice, or use a larger machine.';
    if (usable < LEAST_BYTES) return failed(seen, fix);
    const guest = tree && 'boot' in tree.test ? tree.test.boot.memoryMiB * 1024 ** 2 : 0;
    if (usable < ENOUGH_BYTES) return warning(`${seen}; builds want ${formatBytes(ENOUGH_BYTES)}`, fix);
    if (usable < guest + LEAST_BYTES)
      return warning(`${seen}; a machine of the test step has ${formatBytes(guest)}`, fix);
    return ok(seen);
  },
};
