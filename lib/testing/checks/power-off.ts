import { requireEqual } from '../failure.ts';
import type { Check } from '../types.ts';

/** An orderly power-off: services stop in time and the machine really ends. */
export const check: Check = {
  name: 'power.off',
  summary: 'the system powers off in an orderly way when asked',
  machine: 'ends',
  async run({ machine }) {
    requireEqual('what ended the machine', await machine.powerOff(), 'guest');
  },
};
