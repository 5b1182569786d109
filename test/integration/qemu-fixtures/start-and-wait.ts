/** Starts a machine, says so on standard output, and never ends by itself: a parent to be killed. Arguments: image, folder. */
import * as v from 'valibot';
import { silentLog } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { bootProfileSchema, startMachine } from '../../../lib/qemu/index.ts';

const [file = '', folder = ''] = process.argv.slice(2);
const machine = await startMachine({
  arch: 'amd64',
  media: { kind: 'disk', file, format: 'raw' },
  profile: v.parse(bootProfileSchema, { firmware: 'bios', memoryMiB: 64, cpus: 1, sshUser: 'root' }),
  accelerator: { accelerator: 'tcg', reason: 'test' },
  folder: `${folder}/machine`,
  consoleFile: `${folder}/console.log`,
  runner: createRunner({ cwd: folder, env: process.env }),
  log: silentLog,
  signal: new AbortController().signal,
});
await machine.awaitLogin();
process.stdout.write('started\n');
setInterval(() => {}, 60_000);
