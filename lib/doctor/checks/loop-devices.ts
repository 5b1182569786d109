import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSlipwayError } from '../../errors/index.ts';
import { createRunner } from '../../process/index.ts';
import { findRootRights } from '../../setup/root-rights.ts';
import { ok, skipped, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

const SIZE_BYTES = 1024 ** 2;
const DETACH_MS = 3_000;

const FIX = [
  'Only trees whose image step mounts images need them. On the machine: modprobe loop; losetup --find',
  'A container that builds such a tree needs: --privileged -v /dev:/dev',
].join('\n');

/** Sets up a device on a file, reads from it and frees it again: that it exists says nothing. */
const tryLoop = async (context: CheckContext): Promise<Finding> => {
  const { runner, cwd, env, isRoot, makeTemp } = context;
  const rights = await findRootRights(runner, isRoot);
  if (!rights.available) return skipped('only root can try them, and sudo asks for a password');
  const file = join(await makeTemp(), 'disk');
  await writeFile(file, Buffer.alloc(SIZE_BYTES, 'x'));
  let device: string | undefined;
  try {
    const found = await runner.run(rights.wrap(['losetup', '--find', '--show', '--read-only', file]), {
      stdout: 'capture',
    });
    device = found.stdout.trim();
    const read = rights.wrap(['dd', `if=${device}`, 'bs=4096', 'count=1', 'status=none']);
    const { stdout } = await runner.run(read, { stdout: 'capture' });
    return stdout.startsWith('xxxx')
      ? ok(`${device} could be set up and read`)
      : warning(`${device} has other bytes than its file`, FIX);
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (isSlipwayError(error, 'COMMAND_NOT_FOUND'))
      return warning(error.message, 'apt-get install --no-install-recommends mount');
    if (!isSlipwayError(error, 'COMMAND_FAILED')) throw error;
    return warning(`no loop device can be set up: ${String(error.data.lastOutput).trim()}`, FIX);
  } finally {
    const rescue = createRunner({ cwd, env, killGraceMs: 500 });
    if (device)
      await rescue.run(rights.wrap(['losetup', '--detach', device]), { timeoutMs: DETACH_MS }).catch(() => {});
  }
};

export const loopDevices: Check = {
  name: 'loop-devices',
  summary: 'whether a loop device can be set up and read (trees that mount images)',
  run(context) {
    context.doing('setting up a loop device');
    return tryLoop(context);
  },
};
