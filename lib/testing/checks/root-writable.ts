import { randomUUID } from 'node:crypto';
import { requireEqual, requireSuccess } from '../failure.ts';
import type { Check } from '../types.ts';

/** One command, because each one takes a login; the file's name is an argument, not part of the script. */
const WRITE_READ_REMOVE = 'cat > "$1" && cat "$1" && rm "$1"';

/** Next to the read-only part, the rest of the system must take and keep files. */
export const check: Check = {
  name: 'root.writable',
  summary: 'files can be written, read back and removed outside the read-only part',
  async run({ machine, expected }) {
    const text = randomUUID();
    for (const folder of expected.writablePaths) {
      const file = `${folder.replace(/\/$/, '')}/.slipway-${text}`;
      const result = await machine.run(['sh', '-c', WRITE_READ_REMOVE, 'sh', file], { input: text });
      requireEqual(`the content of ${file}`, requireSuccess(`writing, reading and removing ${file}`, result), text);
    }
  },
};
