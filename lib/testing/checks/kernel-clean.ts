import { requireSuccess, requireThat } from '../failure.ts';
import type { Check } from '../types.ts';

/** What the kernel says when something went wrong that it survived. */
const SIGNS =
  /\b(BUG|Oops|kernel BUG at|general protection fault|WARNING: CPU|I\/O error|EXT4-fs error|soft lockup|Out of memory)\b/;

/** A system can look well while its kernel has already complained. */
export const check: Check = {
  name: 'kernel.clean',
  summary: 'the kernel log has no crash, I/O error or file system error',
  async run({ machine }) {
    const log = requireSuccess('reading the kernel log', await machine.run(['dmesg']));
    const bad = log.split('\n').filter((line) => SIGNS.test(line));
    requireThat(bad.length === 0, `the kernel log has ${bad.length} lines of trouble, expected none`, bad.slice(0, 20));
  },
};
