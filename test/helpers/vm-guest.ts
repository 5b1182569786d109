/**
 * Starts vendor images in QEMU the way a person would: by the start script, from a CD, from the network. Software emulation
 * unless the start script finds better. Nothing is written to the images.
 */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** A running guest that has shown its login prompt. */
export interface VmGuest {
  /** Everything on the serial console so far. */
  console(): string;
  /** Run a command in the guest over ssh as root; gives its output, throws when it fails. */
  ssh(command: string): Promise<string>;
  /** End QEMU and remove temporary files. */
  stop(): Promise<void>;
}

interface Launch {
  readonly port: number;
  /** Files of this guest: `key`, `key.pub`, room for others. */
  readonly folder: string;
}

const firmware = '/usr/share/OVMF';
const loginTimeoutMs = 180_000;

/** Boot with the script that lies beside the image of `qemu` or `qemu_uefi`. @param script absolute path */
export function bootByScript(script: string): Promise<VmGuest> {
  return boot(async ({ port, folder }) => [
    script,
    ['-s', '-p', String(port), '-a', join(folder, 'key.pub'), '--', '-no-reboot'],
  ]);
}

/** Boot the ISO under UEFI from a CD drive, or from a USB stick. */
export function bootIso(iso: string, medium: 'cd' | 'usb'): Promise<VmGuest> {
  const stick = ['-drive', `if=none,id=usb,format=raw,readonly=on,file=${iso}`];
  const drive =
    medium === 'cd' ? ['-cdrom', iso] : [...stick, '-device', 'qemu-xhci', '-device', 'usb-storage,drive=usb'];
  return boot(async (launch) => {
    await copyFile(join(firmware, 'OVMF_VARS_4M.fd'), join(launch.folder, 'vars.fd'));
    const code = `if=pflash,format=raw,readonly=on,file=${join(firmware, 'OVMF_CODE_4M.fd')}`;
    const flash = ['-drive', code, '-drive', `if=pflash,format=raw,file=${join(launch.folder, 'vars.fd')}`];
    return ['qemu-system-x86_64', [...(await machine(launch, '')), ...flash, ...drive]];
  });
}

/** Boot over the network: the card's iPXE gets an address, the script, kernel and initramfs from QEMU's TFTP server. */
export function bootPxe(folder: string): Promise<VmGuest> {
  return boot(async (launch) => {
    const tftp = `,tftp=${folder},bootfile=skiff_production_pxe.ipxe`;
    return ['qemu-system-x86_64', [...(await machine(launch, tftp)), '-boot', 'n']];
  });
}

async function machine({ port, folder }: Launch, netOptions: string): Promise<string[]> {
  const key = (await readFile(join(folder, 'key.pub'))).toString('base64');
  const credential = `type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=${key}`;
  const size = ['-machine', 'q35,accel=tcg', '-cpu', 'Nehalem', '-smp', '2', '-m', '1024'];
  const network = ['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:22${netOptions}`];
  const devices = [...network, '-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci'];
  return [...size, ...devices, '-nographic', '-no-reboot', '-smbios', credential];
}

async function boot(plan: (launch: Launch) => Promise<[string, string[]]>): Promise<VmGuest> {
  const launch = { port: await findFreePort(), folder: await mkdtemp(join(tmpdir(), 'slipway-guest-')) };
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(launch.folder, 'key')]);
  const [program, args] = await plan(launch);
  const running = execa(program, args, { stdin: 'ignore', all: true, buffer: false, reject: false });
  let text = '';
  let end = '';
  const ended = running.then(({ exitCode, signal }) => {
    end = `QEMU ended with ${exitCode ?? signal}`;
  });
  running.all.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  const guest: VmGuest = {
    console: () => text,
    ssh: (command) => runBySsh(launch, command),
    stop: async () => {
      running.kill('SIGTERM');
      await ended;
      await rm(launch.folder, { recursive: true, force: true });
    },
  };
  try {
    await awaitLogin(guest, () => end);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}

async function awaitLogin(guest: VmGuest, getEnd: () => string): Promise<void> {
  const endMs = performance.now() + loginTimeoutMs;
  while (!/^skiff login: /m.test(guest.console())) {
    const late = performance.now() > endMs ? `no login prompt after ${loginTimeoutMs} ms` : '';
    const reason = getEnd() || late;
    if (reason) throw new Error(`${reason}; end of the console:\n${guest.console().slice(-2000)}`);
    await sleep(250);
  }
}

async function runBySsh({ port, folder }: Launch, command: string): Promise<string> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ConnectTimeout=30', 'LogLevel=ERROR'];
  const flags = options.flatMap((option) => ['-o', option]);
  const target = ['-i', join(folder, 'key'), '-p', String(port), 'root@127.0.0.1', '--', command];
  return (await execa('ssh', [...flags, ...target], { timeout: 60_000 })).stdout;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
