import { randomUUID } from 'node:crypto';
import { requireEqual, requireSuccess, requireThat } from '../failure.ts';
import { getMount, readGuestFile } from '../guest.ts';
import type { Check } from '../types.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** A restart keeps the state and the identity of the machine. */
export const check: Check = {
  name: 'state.reboot',
  summary: 'after a restart, files and the machine id are still there',
  machine: 'restarts',
  timeoutMs: 600_000,
  async run(context) {
    const { machine, expected } = context;
    const { type } = await getMount(context, expected.statePath);
    if (type === 'tmpfs') return { skip: `${expected.statePath} is in memory: a live system keeps no state` };
    const text = randomUUID();
    const file = `${expected.statePath}/slipway-${text}`;
    const bootId = await readGuestFile(context, BOOT_ID);
    const machineId = await readGuestFile(context, '/etc/machine-id');
    requireSuccess(`writing ${file}`, await machine.run(['tee', file], { input: text }));
    await machine.reboot();
    requireThat(
      (await readGuestFile(context, BOOT_ID)) !== bootId,
      'the machine did not restart: the boot id is the same',
    );
    requireEqual(`the content of ${file} after the restart`, await readGuestFile(context, file), text);
    requireEqual('the machine id after the restart', await readGuestFile(context, '/etc/machine-id'), machineId);
    requireSuccess(`removing ${file}`, await machine.run(['rm', file]));
    return undefined;
  },
};
