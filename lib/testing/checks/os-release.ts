import { requireEqual } from '../failure.ts';
import { parseAssignments, readGuestFile } from '../guest.ts';
import type { Check } from '../types.ts';

/** The image says what it is; updates and support depend on it. */
export const check: Check = {
  name: 'os-release',
  summary: '/etc/os-release has the expected version and names',
  async run(context) {
    const fields = parseAssignments(await readGuestFile(context, '/etc/os-release'));
    for (const [name, value] of Object.entries(context.expected.osRelease)) {
      requireEqual(`${name} in /etc/os-release`, fields[name], value);
    }
  },
};
