import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ErrorCode, slipwayError } from '../../../lib/errors/index.ts';
import type { Command, Runner, RunResult } from '../../../lib/process/index.ts';
import { type AcceleratorQuery, chooseAccelerator } from '../../../lib/qemu/index.ts';
import { getProbeFloppy } from '../../../lib/qemu/probe-guest.ts';

let folder: string;
let commands: Command[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'accelerator-'));
  commands = [];
  await writeFile(path.join(folder, 'kvm'), '');
  await writeFile(path.join(folder, 'boot_id'), 'one\n');
});
afterEach(() => rm(folder, { recursive: true }));

/** A runner whose only command ends as told. */
const runnerThat = (failure?: Error): Runner => ({
  async run(command) {
    commands.push(command);
    if (failure) throw failure;
    return { exitCode: 85, stdout: '', stderr: '', durationMs: 1 };
  },
  start() {
    throw new Error('the probe starts nothing');
  },
});

const query = (runner: Runner, more: Partial<AcceleratorQuery> = {}): AcceleratorQuery => ({
  arch: 'amd64',
  firmware: 'bios',
  runner,
  stateFolder: path.join(folder, 'state'),
  hostArch: 'x64',
  kvmDevice: path.join(folder, 'kvm'),
  bootIdFile: path.join(folder, 'boot_id'),
  ...more,
});

const FAILED = { command: ['qemu'], cwd: '/', exitCode: 1, signal: undefined, lastOutput: '' };
const TIMED_OUT = { command: ['qemu'], timeoutMs: 3000, lastOutput: '' };

describe('chooseAccelerator', () => {
  test('uses KVM when the probe guest has run on it, and asks once per start of the host', async () => {
    const runner = runnerThat();
    expect((await chooseAccelerator(query(runner))).accelerator).toBe('kvm');
    expect((await chooseAccelerator(query(runner))).accelerator).toBe('kvm');
    expect(commands).toHaveLength(1);
    expect(commands[0]?.slice(0, 3)).toEqual(['qemu-system-x86_64', '-accel', 'kvm']);
    await writeFile(path.join(folder, 'boot_id'), 'two\n');
    await chooseAccelerator(query(runner));
    expect(commands).toHaveLength(2);
    expect(await readdir(path.join(folder, 'state'))).toEqual(['accelerator-amd64-bios.json']);
  });

  test.each([
    ['COMMAND_FAILED', FAILED, 'failed'],
    ['COMMAND_TIMED_OUT', TIMED_OUT, 'did not finish within 3 s'],
  ] as const)('emulates when the probe ends with %s', async (code, facts, reason) => {
    const failure = slipwayError(code as ErrorCode, facts as never);
    const choice = await chooseAccelerator(query(runnerThat(failure)));
    expect(choice.accelerator).toBe('tcg');
    expect(choice.reason).toContain(reason);
  });

  test('asks again when the kept answer is damaged', async () => {
    await chooseAccelerator(query(runnerThat()));
    await writeFile(path.join(folder, 'state', 'accelerator-amd64-bios.json'), '{"schema":1,"boo');
    await chooseAccelerator(query(runnerThat()));
    expect(commands).toHaveLength(2);
  });

  test('does not probe where it cannot work', async () => {
    const runner = runnerThat();
    expect((await chooseAccelerator(query(runner, { kvmDevice: '/nowhere/kvm' }))).reason).toContain('/nowhere/kvm');
    expect((await chooseAccelerator(query(runner, { hostArch: 'arm64' }))).accelerator).toBe('tcg');
    expect((await chooseAccelerator(query(runner, { arch: 'arm64' }))).accelerator).toBe('tcg');
    expect(commands).toEqual([]);
  });

  test('names the package when QEMU is missing, and keeps no answer', async () => {
    const failure = slipwayError('COMMAND_NOT_FOUND', { program: 'qemu-system-x86_64' });
    await expect(chooseAccelerator(query(runnerThat(failure)))).rejects.toMatchObject({
      code: 'QEMU_MISSING',
      data: { package: 'qemu-system-x86' },
    });
    expect(await readdir(path.join(folder, 'state'))).toEqual([]);
  });

  test('the probe guest is a bootable floppy', () => {
    const floppy = getProbeFloppy();
    expect(floppy).toHaveLength(1_474_560);
    expect(floppy.readUInt16LE(510)).toBe(0xaa55);
  });
});

describe('the firmware probe', () => {
  /** A runner on which the probe guest runs, and whose firmware says what it is told to say. */
  const runnerWith = (words: string): Runner => ({
    ...runnerThat(),
    start(command) {
      commands.push(command);
      const stdout = new PassThrough();
      const { promise: done, resolve } = Promise.withResolvers<RunResult>();
      const end = { exitCode: 0, stdout: '', stderr: '', durationMs: 1 };
      if (words === '') resolve(end);
      else stdout.write(words);
      return { stdin: new PassThrough(), stdout, pid: 1, done, stop: () => resolve(end) };
    },
  });

  test('takes KVM when the firmware speaks', async () => {
    const choice = await chooseAccelerator(query(runnerWith('BdsDxe: loading'), { firmware: 'uefi' }));
    expect(choice.accelerator).toBe('kvm');
    expect(commands[1]?.join(' ')).toContain('if=pflash');
  });

  test('emulates when the firmware dies, though the probe guest ran', async () => {
    const choice = await chooseAccelerator(query(runnerWith(''), { firmware: 'uefi' }));
    expect(choice).toEqual({ accelerator: 'tcg', reason: 'uefi firmware on /dev/kvm did not come up' });
  });
});
