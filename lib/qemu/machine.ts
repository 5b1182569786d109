import { setTimeout as sleep } from 'node:timers/promises';
import { slipwayError } from '../errors/index.ts';
import { formatDuration, type Log } from '../log/index.ts';
import type { Command, Runner, RunResult } from '../process/index.ts';
import type { AcceleratorChoice } from './accelerator.ts';
import { archTraits } from './arch.ts';
import { assembleQemuCommand } from './command-line.ts';
import { type Console, followConsole } from './console.ts';
import { prepareFirmware } from './firmware.ts';
import { createGuestLink, type GuestLink } from './guest-link.ts';
import { type MachineFiles, prepareMachineFiles, runTool } from './machine-files.ts';
import { createQmp, parseForwardedPort, type Qmp } from './qmp.ts';
import { endMachine, type MachineEnd } from './shutdown.ts';
import type { GuestRunOptions, SshTarget } from './ssh.ts';
import type { Accelerator, Arch, BootProfile, Media } from './types.ts';
import { createWatch, type Watch } from './watch.ts';

/** What a machine is started from. Paths are absolute. */
export interface StartOptions {
  readonly arch: Arch;
  readonly media: Media;
  readonly profile: BootProfile;
  /** From {@link chooseAccelerator}. */
  readonly accelerator: AcceleratorChoice;
  /** For the throwaway files; must not exist; is removed when the machine stops. */
  readonly folder: string;
  /** Where the serial console is kept; stays after the machine. */
  readonly consoleFile: string;
  readonly runner: Runner;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Milliseconds; replaced in tests. */
  readonly now?: () => number;
}

/** A running virtual machine. Whoever started it calls {@link Machine.stop}, whatever happened. */
export interface Machine {
  readonly accelerator: Accelerator;
  readonly console: Console;
  readonly qmp: Qmp;
  readonly ssh: { readonly user: string; readonly port: number };
  /** Why the machine can no longer be used (VM_PANIC, VM_EXITED), if it is so. */
  lost(): Error | undefined;
  /** Milliseconds from power-on to the login prompt; undefined before. */
  bootMs(): number | undefined;
  /** Waits for the login prompt. @throws VM_BOOT_TIMEOUT, VM_PANIC, VM_EXITED */
  awaitLogin(): Promise<void>;
  /** Logs in with the injected key. @throws VM_SSH_UNREACHABLE, VM_PANIC, VM_EXITED */
  connect(): Promise<void>;
  /** Runs a command in the guest; exit codes are answers. @throws VM_SSH_UNREACHABLE, COMMAND_TIMED_OUT, VM_PANIC, VM_EXITED */
  run(command: Command, options?: GuestRunOptions): Promise<RunResult>;
  /** Restarts the guest in an orderly way and waits until it can be entered again. */
  reboot(): Promise<void>;
  /** Powers the guest off in an orderly way. @returns how it ended */
  powerOff(): Promise<MachineEnd>;
  /** Ends the machine at once, however it is, and removes its files. May be called twice. */
  stop(): Promise<void>;
}

/** For the command that tells the guest to restart or to power off, not for doing it. */
const CONTROL_TIMEOUT_MS = 15_000;

/** Between the end of QEMU's output and the end of QEMU. */
const ENDING_MS = 1000;

const getForwardedPort = async (qmp: Qmp): Promise<number> => {
  await qmp.execute('qmp_capabilities');
  const answer = await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' });
  const port = parseForwardedPort(String(answer));
  if (port === undefined) throw slipwayError('VM_CONTROL_FAILED', { command: 'info usernet', answer: String(answer) });
  return port;
};

interface Parts {
  readonly options: StartOptions;
  readonly files: MachineFiles;
  readonly console: Console;
  readonly watch: Watch;
  readonly qmp: Qmp;
  readonly link: GuestLink;
  readonly ssh: Machine['ssh'];
  readonly ended: Promise<unknown>;
  readonly kill: () => void;
}

const createMachine = (parts: Parts): Machine => {
  const { options, files, console, watch, qmp, link, ssh, ended, kill } = parts;
  const { profile, log, now = Date.now } = options;
  const startedMs = now();
  const pattern = new RegExp(profile.loginPattern, 'm');
  let bootMs: number | undefined;
  let stopping: Promise<void> | undefined;

  const awaitPrompt = (mark: number): Promise<string> =>
    watch.awaitText({ pattern, mark, timeoutMs: profile.bootTimeoutMs, awaited: 'a login prompt' });
  const end = (timeoutMs: number): Promise<MachineEnd> => {
    watch.expectEnd();
    const askGuest = () => link.tell(['systemctl', 'poweroff'], { timeoutMs: CONTROL_TIMEOUT_MS });
    return endMachine({ qmp, ended, kill, askGuest: link.isConnected() ? askGuest : undefined, timeoutMs });
  };
  const stop = async (): Promise<void> => {
    await end(0);
    await link.close();
    await console.close();
    await files.remove();
  };
  return {
    accelerator: options.accelerator.accelerator,
    console,
    qmp,
    ssh,
    lost: watch.lost,
    bootMs: () => bootMs,
    async awaitLogin() {
      await awaitPrompt(0);
      bootMs ??= now() - startedMs;
      log.info(`Login prompt after ${formatDuration(bootMs)}.`);
    },
    connect: link.connect,
    run: link.run,
    async reboot() {
      const mark = console.mark();
      await link.tell(['systemctl', 'reboot'], { timeoutMs: CONTROL_TIMEOUT_MS });
      await awaitPrompt(mark);
      await link.connect();
    },
    powerOff: () => end(profile.shutdownTimeoutMs),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
};

/** When QEMU refuses to start, a failed conversation with it is only the echo; why it ended is the reason. */
const findReason = async (error: unknown, watch: Watch, ended: Promise<unknown>): Promise<unknown> => {
  const isOver = await Promise.race([ended.then(() => true).catch(() => true), sleep(ENDING_MS, false)]);
  return isOver ? watch.fate.catch((reason: unknown) => reason) : error;
};

const launch = async (options: StartOptions, files: MachineFiles): Promise<Machine> => {
  const { arch, profile, media, runner, log, signal, consoleFile } = options;
  const { accelerator, reason } = options.accelerator;
  const firmware = await prepareFirmware(arch, profile.firmware, files.varsFile);
  const { overlayFile, publicKey, folder } = files;
  const plan = { arch, accelerator, profile, media, overlayFile, firmware, consoleFile, publicKey };
  const command = assembleQemuCommand(plan);
  log.info(`Starting a virtual machine, accelerator ${accelerator} (${reason}); console: ${consoleFile}`);
  const console = await followConsole(consoleFile);
  // QEMU must not outlive this process, not even when it is killed the hard way.
  const qemu = runner.start(['setpriv', '--pdeathsig', 'KILL', '--', ...command], { cwd: folder, shownAs: command });
  const ended = qemu.done;
  ended.catch(() => {});
  const qmp = createQmp(qemu.stdin, qemu.stdout);
  const watch = createWatch({ console, ended, failureSigns: profile.failureSigns, accelerator, signal });
  try {
    const port = await watch.guard(getForwardedPort(qmp));
    const target: SshTarget = { runner, folder, user: profile.sshUser, port };
    const link = createGuestLink({ target, watch, console, timeoutMs: profile.sshTimeoutMs, signal });
    const ssh = { user: target.user, port };
    return createMachine({ options, files, console, watch, qmp, link, ssh, ended, kill: qemu.stop });
  } catch (error) {
    const reason = await findReason(error, watch, ended);
    watch.expectEnd();
    qemu.stop();
    await Promise.allSettled([ended]);
    await console.close();
    signal.throwIfAborted();
    throw reason;
  }
};

/**
 * Powers a machine on and returns while it boots.
 *
 * @throws QEMU_MISSING, FIRMWARE_MISSING, VM_IMAGE_MISSING, VM_EXITED (QEMU refused to start)
 */
export const startMachine = async (options: StartOptions): Promise<Machine> => {
  const { program, programPackage } = archTraits[options.arch];
  await runTool(options.runner, [program, '--version'], programPackage);
  const files = await prepareMachineFiles(options.runner, options.media, options.folder);
  try {
    return await launch(options, files);
  } catch (error) {
    await files.remove();
    throw error;
  }
};
