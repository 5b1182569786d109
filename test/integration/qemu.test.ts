import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as v from 'valibot';
import { createLog, silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import {
  bootProfileSchema,
  chooseAccelerator,
  type Machine,
  type StartOptions,
  startMachine,
} from '../../lib/qemu/index.ts';
import { commandLineOf, processIds } from '../helpers/processes.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { type Ending, writeBootSector } from '../lib/qemu/boot-sector.ts';

const makeFolder = useTempFolders();
const machines: Machine[] = [];

jest.setTimeout(30_000);

let folder: string;
let image: string;
let abort: AbortController;
beforeEach(() => {
  // A comma and a blank in the path: both have a meaning of their own to QEMU and OpenSSH.
  folder = path.join(makeFolder('qemu, x'));
  image = path.join(folder, 'guest.img');
  abort = new AbortController();
});
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.stop();
});

const PROFILE = {
  firmware: 'bios',
  memoryMiB: 64,
  cpus: 1,
  sshUser: 'root',
  bootTimeoutMs: 20_000,
  shutdownTimeoutMs: 300,
} as const;

const runnerFor = () => createRunner({ cwd: folder, env: process.env, signal: abort.signal, killGraceMs: 500 });

const start = async (profile: object = {}, more: Partial<StartOptions> = {}): Promise<Machine> => {
  const machine = await startMachine({
    arch: 'amd64',
    media: { kind: 'disk', file: image, format: 'raw' },
    profile: v.parse(bootProfileSchema, { ...PROFILE, ...profile }),
    accelerator: { accelerator: 'tcg', reason: 'test' },
    folder: path.join(folder, 'machine'),
    consoleFile: path.join(folder, 'console.log'),
    runner: runnerFor(),
    log: silentLog,
    signal: abort.signal,
    ...more,
  });
  machines.push(machine);
  return machine;
};

const boot = async (text: string, ending: Ending, profile: object = {}): Promise<Machine> => {
  await writeBootSector(image, text, ending);
  return start(profile);
};

/** Command lines of QEMU processes that have to do with the test's folder. */
const findQemu = (): string[] =>
  processIds()
    .map(commandLineOf)
    .filter((line) => line.startsWith('qemu-system') && line.includes(folder.slice(-6)));

const digest = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('a machine', () => {
  test('boots to a login prompt, changes neither image nor folder, and leaves only its console', async () => {
    await writeBootSector(image, 'hello\r\nskiff login: ', 'hang');
    await chmod(image, 0o444);
    const before = await digest(image);
    const machine = await start();
    await machine.awaitLogin();
    expect(machine.bootMs()).toBeGreaterThan(0);
    expect(machine.console.textFrom(0)).toContain('hello\nskiff login: ');
    expect(machine.ssh.port).toBeGreaterThan(0);
    expect(findQemu()).toHaveLength(1);
    await machine.stop();
    await machine.stop();
    expect(findQemu()).toEqual([]);
    expect(await digest(image)).toBe(before);
    expect((await readdir(folder)).sort()).toEqual(['console.log', 'guest.img']);
  });

  test('fails at once when its kernel panics, with the panic and the last lines', async () => {
    const machine = await boot('Linux version 6\r\nKernel panic - not syncing: VFS: no root\r\n', 'hang');
    await expect(machine.awaitLogin()).rejects.toMatchObject({
      code: 'VM_PANIC',
      message: 'The machine failed to run (kernel panic): Kernel panic - not syncing: VFS: no root',
      hint: expect.stringContaining('| Linux version 6'),
    });
    expect(machine.lost()).toMatchObject({ code: 'VM_PANIC' });
    // Nothing waits for a dead guest.
    await expect(machine.run(['true'])).rejects.toMatchObject({ code: 'VM_PANIC' });
  });

  test("notices a dm-verity failure and the tree's own signs", async () => {
    const verity = await boot('device-mapper: verity: 254:2: data block 7 is corrupted\r\n', 'hang');
    await expect(verity.awaitLogin()).rejects.toMatchObject({ data: { sign: 'dm-verity failure' } });
    await verity.stop();
    const failureSigns = [{ name: 'gave up', pattern: String.raw`\*\*\* cannot start` }];
    const own = await boot('*** cannot start: no disk\r\n', 'hang', { failureSigns });
    await expect(own.awaitLogin()).rejects.toMatchObject({ data: { sign: 'gave up' } });
  });

  test('says what it saw when no prompt comes in time', async () => {
    const machine = await boot('still thinking', 'hang', { bootTimeoutMs: 1000 });
    await expect(machine.awaitLogin()).rejects.toMatchObject({
      code: 'VM_BOOT_TIMEOUT',
      message: expect.stringContaining('a login prompt within 1.0 s (accelerator: tcg)'),
      hint: expect.stringContaining('| still thinking'),
    });
  });

  test('says that it ended when it powers off instead of booting', async () => {
    const machine = await boot('bye', 'power-off');
    await expect(machine.awaitLogin()).rejects.toMatchObject({
      code: 'VM_EXITED',
      hint: expect.stringContaining('| bye'),
    });
  });

  test('keeps its console over a restart', async () => {
    const machine = await boot('again\r\n', 'reset-once', { loginPattern: 'again\\n+again' });
    await machine.awaitLogin();
    expect(machine.console.textFrom(0).match(/again/g)).toHaveLength(2);
  });

  test('is ended one way or the other when it does not follow', async () => {
    const machine = await boot('x login: ', 'hang');
    await machine.awaitLogin();
    expect(await machine.powerOff()).toBe('quit');
    expect(findQemu()).toEqual([]);
  });

  test('names the answer of ssh when nobody lets us in', async () => {
    const machine = await boot('x login: ', 'hang', { sshTimeoutMs: 1500 });
    await machine.awaitLogin();
    await expect(machine.connect()).rejects.toMatchObject({ code: 'VM_SSH_UNREACHABLE', data: { user: 'root' } });
  });

  test('passes on why QEMU refuses an image, and removes its files', async () => {
    await writeBootSector(image, 'x', 'hang');
    await expect(start({}, { media: { kind: 'disk', file: image, format: 'vmdk' } })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    });
    await expect(start({ memoryMiB: 999_999_999 })).rejects.toMatchObject({ code: 'VM_EXITED' });
    expect((await readdir(folder)).sort()).toEqual(['console.log', 'guest.img']);
    await expect(start({}, { media: { kind: 'disk', file: '/nowhere.img', format: 'raw' } })).rejects.toMatchObject({
      code: 'VM_IMAGE_MISSING',
    });
  });

  test('starts UEFI firmware with variables of its own', async () => {
    await writeBootSector(image, '', 'hang');
    const machine = await start({
      firmware: 'uefi',
      bootTimeoutMs: 60_000,
      loginPattern: 'BdsDxe: failed to load|BdsDxe: (starting|No boot)',
    });
    await machine.awaitLogin();
    expect(await readdir(path.join(folder, 'machine'))).toContain('vars.fd');
  }, 70_000);
});

describe('an interruption', () => {
  test('stops the machine and everything that waits for it', async () => {
    const machine = await boot('no prompt', 'hang');
    const waiting = machine.awaitLogin();
    setTimeout(() => abort.abort(new Error('interrupted')), 300);
    await expect(waiting).rejects.toThrow('interrupted');
    await machine.stop();
    expect(findQemu()).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['console.log', 'guest.img']);
  });

  test('even a killed parent leaves no machine', async () => {
    await writeBootSector(image, 'x login: ', 'hang');
    const script = path.join(import.meta.dirname, 'qemu-fixtures', 'start-and-wait.ts');
    const parent = spawn(process.execPath, [script, image, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise((resolve) => parent.stdout.once('data', resolve));
      expect(findQemu()).toHaveLength(1);
    } finally {
      parent.kill('SIGKILL');
    }
    for (let tries = 0; tries < 200 && findQemu().length > 0; tries += 1) await sleep(100);
    expect(findQemu()).toEqual([]);
  });
});

test('the probe guest decides about KVM within seconds, and once', async () => {
  const commands: string[] = [];
  const log = createLog((event) => {
    if (event.kind === 'command-started') commands.push(event.command.join(' '));
  });
  const runner = createRunner({ log, cwd: folder, env: process.env });
  const query = { arch: 'amd64', firmware: 'uefi', runner, stateFolder: path.join(folder, 'state') } as const;
  const choice = await chooseAccelerator(query);
  expect(['kvm', 'tcg']).toContain(choice.accelerator);
  expect(await chooseAccelerator(query)).toMatchObject(choice);
  expect(commands.length).toBeLessThanOrEqual(2);
}, 30_000);
