import { requireEqual } from '../failure.ts';
import { getVerity, parseKernelArgument, readGuestFile } from '../guest.ts';
import type { Check } from '../types.ts';

/** The hash that the boot loader hands over, and that Secure Boot covers, is the one the kernel checks against. */
export const check: Check = {
  name: 'usr.root-hash',
  summary: 'the root hash on the kernel command line is the one in use',
  async run(context) {
    const argument = context.expected.rootHashArgument;
    const handedOver = parseKernelArgument(await readGuestFile(context, '/proc/cmdline'), argument);
    const { rootHash } = await getVerity(context);
    requireEqual(`${argument} on the kernel command line`, handedOver, rootHash);
  },
};
