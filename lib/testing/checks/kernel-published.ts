import { requireEqual, requireSuccess } from '../failure.ts';
import { readKernelBanner } from '../kernel-banner.ts';
import type { Check } from '../types.ts';

/** The published kernel file is what debuggers, network boots and updates use: it must be the one inside the image. */
export const check: Check = {
  name: 'kernel.published',
  summary: 'the running kernel is the published one',
  async run({ machine, kernelFile }) {
    if (kernelFile === undefined) return { skip: 'the published kernel was not fetched' };
    const published = await readKernelBanner(kernelFile);
    if (published === undefined) return { skip: 'the published kernel is in a form that does not show its version' };
    const ask = async (flag: string): Promise<string> =>
      requireSuccess(`uname ${flag}`, await machine.run(['uname', flag])).trim();
    requireEqual('the release of the running kernel', await ask('-r'), published.release);
    requireEqual('the build of the running kernel', await ask('-v'), published.build);
    return undefined;
  },
};
