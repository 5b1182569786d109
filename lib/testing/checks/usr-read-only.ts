import { requireEqual, requireRefusal, requireSuccess, requireThat } from '../failure.ts';
import { getMount, getVerity } from '../guest.ts';
import type { Check } from '../types.ts';

/** Nobody changes the system at run time, not even root who mounts it anew for writing. */
export const check: Check = {
  name: 'usr.read-only',
  summary: 'the read-only part cannot be written, nor mounted for writing',
  async run(context) {
    const { machine, expected } = context;
    const folder = expected.readOnlyPath;
    const file = `${folder}/.slipway-probe`;
    requireRefusal(`making the file ${file}`, await machine.run(['touch', file]));
    requireRefusal(`mounting ${folder} for writing`, await machine.run(['mount', '-o', 'remount,rw', folder]));
    requireRefusal(`making the file ${file} after that`, await machine.run(['touch', file]));
    const { options } = await getMount(context, folder);
    requireThat(options.includes('ro'), `${folder} is mounted with '${options.join(',')}', expected: ro`);
    const { source } = await getVerity(context);
    const flag = requireSuccess(
      `asking whether ${source} is read-only`,
      await machine.run(['blockdev', '--getro', source]),
    );
    requireEqual(`the read-only flag of ${source}`, flag.trim(), '1');
  },
};
