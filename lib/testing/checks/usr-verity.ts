import { requireEqual, requireSuccess } from '../failure.ts';
import { getVerity } from '../guest.ts';
import type { Check } from '../types.ts';

/** Every read of the system is verified by the kernel. */
export const check: Check = {
  name: 'usr.verity',
  summary: 'the read-only part is on dm-verity, and no block was found corrupted',
  async run(context) {
    const { source } = await getVerity(context);
    const status = requireSuccess(`dmsetup status ${source}`, await context.machine.run(['dmsetup', 'status', source]));
    // The last word is V (verified so far) or C (corruption was seen).
    requireEqual(`the state of ${source}`, status.trim().split(/\s+/)[3], 'V');
  },
};
