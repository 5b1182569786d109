import { requireEqual, requireSuccess, requireThat } from '../failure.ts';
import type { Check } from '../types.ts';

/** The key that the machine got at power-on opens it, and nothing else does. */
export const check: Check = {
  name: 'ssh.key',
  summary: 'ssh lets in who has the injected key, and nobody without it',
  async run({ machine }) {
    const name = requireSuccess('a login with the injected key', await machine.run(['id', '-un']));
    requireEqual('the name of the logged-in user', name.trim(), machine.ssh.user);
    const stranger = await machine.run(['true'], { anonymous: true });
    const seen = `without a key the answer was exit code ${stranger.exitCode}`;
    requireThat(stranger.exitCode === 255, `${seen}, expected: no login`, [stranger.stderr]);
    requireThat(/permission denied/i.test(stranger.stderr), `${seen}, expected: permission denied`, [stranger.stderr]);
  },
};
