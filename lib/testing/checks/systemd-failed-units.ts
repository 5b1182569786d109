import { requireSuccess, requireThat } from '../failure.ts';
import { awaitStarted, describeFailedUnits, parseUnits } from '../systemd.ts';
import type { Check } from '../types.ts';

/** Every unit that was started did its work; each that did not is named with its last words. */
export const check: Check = {
  name: 'systemd.failed-units',
  summary: 'no unit has failed',
  async run(context) {
    await awaitStarted(context);
    const list = await context.machine.run(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--full']);
    const failed = parseUnits(requireSuccess('listing the failed units', list));
    if (failed.length === 0) return;
    requireThat(false, `failed units: ${failed.join(', ')}; expected none`, await describeFailedUnits(context, failed));
  },
};
