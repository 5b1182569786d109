import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipwayError } from '../errors/index.ts';
import type { Command, Runner } from '../process/index.ts';
import { archTraits } from './arch.ts';
import { firmwareArgs, machineArgs } from './command-line.ts';
import { prepareFirmware } from './firmware.ts';
import { getProbeFloppy, PROBE_EXIT_CODE } from './probe-guest.ts';
import type { Arch, Firmware } from './types.ts';

/** What is probed, and where scratch files may go. */
export interface Probe {
  readonly arch: Arch;
  readonly firmware: Firmware;
  readonly runner: Runner;
  /** Absolute path of an empty folder. */
  readonly folder: string;
  /** Milliseconds for the probe guest; the firmware, which does more, gets four times as much. */
  readonly timeoutMs: number;
}

const commandOf = (probe: Probe, args: readonly string[]): Command => [
  archTraits[probe.arch].program,
  ...['-accel', 'kvm', '-cpu', 'host', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...args,
];

/** @returns undefined when the probe guest has done its sum, else why it has not */
const probeGuest = async (probe: Probe): Promise<string | undefined> => {
  const floppy = path.join(probe.folder, 'probe.img');
  await writeFile(floppy, getProbeFloppy());
  const drive = `if=floppy,format=raw,readonly=on,file=${floppy.replaceAll(',', ',,')}`;
  const debugExit = 'isa-debug-exit,iobase=0xf4,iosize=1';
  const command = commandOf(probe, ['-machine', 'pc', '-m', '32', '-drive', drive, '-device', debugExit]);
  try {
    await probe.runner.run(command, { timeoutMs: probe.timeoutMs, okExitCodes: [PROBE_EXIT_CODE] });
    return undefined;
  } catch (error) {
    if (isSlipwayError(error, 'COMMAND_TIMED_OUT')) return `did not finish within ${probe.timeoutMs / 1000} s`;
    if (isSlipwayError(error, 'COMMAND_FAILED')) return 'failed';
    throw error;
  }
};

/** Resolves with true as soon as the firmware says anything on the serial console. */
const awaitWord = async (
  stdout: NodeJS.ReadableStream,
  ended: Promise<unknown>,
  timeoutMs: number,
): Promise<boolean> => {
  const word = new Promise<boolean>((resolve) => stdout.once('data', () => resolve(true)));
  const over = ended.then(
    () => false,
    () => false,
  );
  const timer = new AbortController();
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  return Promise.race([word, over, late]).finally(() => timer.abort());
};

/** @returns undefined when UEFI firmware came as far as its first words, else why not */
const probeFirmware = async (probe: Probe): Promise<string | undefined> => {
  const { arch, firmware, folder, runner, timeoutMs } = probe;
  const files = await prepareFirmware(arch, firmware, path.join(folder, 'vars.fd'));
  if (!files) return undefined;
  const args = [...machineArgs(arch, firmware), '-m', '256', '-serial', 'stdio', ...firmwareArgs(files, firmware)];
  const qemu = runner.start(commandOf(probe, args));
  const spoke = await awaitWord(qemu.stdout, qemu.done, timeoutMs * 4);
  qemu.stdout.resume();
  qemu.stop();
  const [end] = await Promise.allSettled([qemu.done]);
  if (end.status === 'rejected' && isSlipwayError(end.reason, 'COMMAND_NOT_FOUND')) throw end.reason;
  return spoke ? undefined : 'did not come up';
};

/**
 * Runs guests on KVM: the probe guest, and then the firmware that is to be used, because there are hosts on which the one runs
 * and the other dies.
 *
 * @returns undefined when KVM works, else one clause that says what did not
 */
export const probeKvm = async (probe: Probe): Promise<string | undefined> => {
  const guest = await probeGuest(probe);
  if (guest !== undefined) return `a probe guest on /dev/kvm ${guest}`;
  const firmware = await probeFirmware(probe);
  return firmware === undefined ? undefined : `${probe.firmware} firmware on /dev/kvm ${firmware}`;
};
