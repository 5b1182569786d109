import { requireEqual } from '../failure.ts';
import { awaitStarted } from '../systemd.ts';
import type { Check } from '../types.ts';

/** The system has finished starting, and well. */
export const check: Check = {
  name: 'systemd.running',
  summary: "'systemctl is-system-running' says running",
  async run(context) {
    requireEqual('the state of the system', await awaitStarted(context), 'running');
  },
};
