import { requireSuccess } from '../failure.ts';
import { getVerity } from '../guest.ts';
import type { Check } from '../types.ts';

/** Reads every block of the read-only part once: dm-verity refuses each one that is not as it was built. */
export const check: Check = {
  name: 'usr.intact',
  summary: 'every block of the read-only part agrees with its hash tree',
  timeoutMs: 300_000,
  async run(context) {
    const { source } = await getVerity(context);
    const read = await context.machine.run(['dd', `if=${source}`, 'of=/dev/null', 'bs=1M'], { timeoutMs: 280_000 });
    requireSuccess(`reading all of ${source}`, read);
  },
};
