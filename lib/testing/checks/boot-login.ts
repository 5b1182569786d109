import { formatDuration } from '../../log/index.ts';
import { CheckFailure, requireThat } from '../failure.ts';
import type { Check } from '../types.ts';

/** The boot itself: that there is a login prompt, and soon enough. A machine without one fails before this runs. */
export const check: Check = {
  name: 'boot.login',
  summary: 'a login prompt appears on the serial console within the expected time',
  console: true,
  async run({ machine, expected }) {
    const bootMs = machine.bootMs();
    if (bootMs === undefined) throw new CheckFailure('there is no login prompt');
    const took = `the login prompt came after ${formatDuration(bootMs)}`;
    const limit = formatDuration(expected.loginWithinMs);
    requireThat(bootMs <= expected.loginWithinMs, `${took}, expected: within ${limit}`);
    return { note: `${took} (accelerator: ${machine.accelerator})` };
  },
};
