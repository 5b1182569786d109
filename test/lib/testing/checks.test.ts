import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { silentLog } from '../../../lib/log/index.ts';
import type { Command } from '../../../lib/process/index.ts';
import type { GuestRunOptions, Machine } from '../../../lib/qemu/index.ts';
import { type Check, type CheckContext, expectationsSchema, loadChecks } from '../../../lib/testing/index.ts';

type Answer = { exitCode?: number; stdout?: string; stderr?: string };
type Reply = (command: string, options: GuestRunOptions) => Answer | undefined;

const HASH = 'ab'.repeat(32);
const NO = { exitCode: 1, stderr: 'Read-only file system' };

/** A guest that is as it should be. */
const healthy: Reply = (command, { input, anonymous }) => {
  if (anonymous) return { exitCode: 255, stderr: 'root@127.0.0.1: Permission denied (publickey).' };
  const answers: [RegExp, Answer][] = [
    [/^cat \/etc\/os-release$/, { stdout: 'ID=skiff\nVERSION="1.2.3"' }],
    [/^cat \/proc\/cmdline$/, { stdout: `ro usrhash=${HASH} console=ttyS0` }],
    [/^cat \/etc\/machine-id$/, { stdout: 'machine' }],
    [/^(cat|sh -c cat) /, { stdout: input ?? 'kept' }],
    [/^id -un$/, { stdout: 'root\n' }],
    [/^uname -r$/, { stdout: '6.1.0\n' }],
    [/^uname -v$/, { stdout: '#1 SMP X\n' }],
    [/^findmnt /, { stdout: '/dev/mapper/usr squashfs ro,relatime' }],
    [/^dmsetup table /, { stdout: `0 8 verity 1 254:2 254:2 4096 4096 1 2 sha256 ${HASH} 00` }],
    [/^dmsetup status /, { stdout: '0 8 verity V' }],
    [/^blockdev /, { stdout: '1\n' }],
    [/^(touch|mount) /, NO],
    [/^systemctl is-system-running$/, { stdout: 'running' }],
  ];
  return answers.find(([pattern]) => pattern.test(command))?.[1] ?? {};
};

let checks: Map<string, Check>;
let kernelFile: string;
let folder: string;
beforeAll(async () => {
  checks = new Map((await loadChecks()).map((check) => [check.name, check]));
  folder = await mkdtemp(path.join(tmpdir(), 'checks-'));
  kernelFile = path.join(folder, 'vmlinuz');
  await writeFile(kernelFile, 'Linux version 6.1.0 (me@host) #1 SMP X\n\0');
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a check of ours on a healthy guest, but for what `reply` says and what the machine does otherwise. */
const run = async (
  name: string,
  reply: Reply = () => undefined,
  more: Partial<Machine> = {},
  context: Partial<CheckContext> = {},
) => {
  let boots = 0;
  const written = new Map<string, string>();
  const machine = {
    ssh: { user: 'root', port: 1 },
    accelerator: 'tcg',
    lost: () => undefined,
    bootMs: () => 5000,
    async reboot() {
      boots += 1;
    },
    powerOff: async () => 'guest',
    async run(command: Command, options: GuestRunOptions = {}) {
      const line = command.join(' ');
      if (command[0] === 'tee') written.set(command[1] ?? '', options.input ?? '');
      const stored = command[0] === 'cat' ? written.get(command[1] ?? '') : undefined;
      const bootId = line === 'cat /proc/sys/kernel/random/boot_id' ? `boot ${boots}` : undefined;
      const known = stored ?? bootId;
      const answer = reply(line, options) ?? (known === undefined ? healthy(line, options) : { stdout: known });
      return { exitCode: 0, stdout: '', stderr: '', durationMs: 1, ...answer };
    },
    ...more,
  } as unknown as Machine;
  const check = checks.get(name);
  if (!check) throw new Error(`no check ${name}`);
  return check.run({
    machine,
    kernelFile,
    version: '1.2.3',
    expected: v.parse(expectationsSchema, { osRelease: { ID: 'skiff', VERSION: '1.2.3' }, runningWithinMs: 1 }),
    log: silentLog,
    signal: new AbortController().signal,
    now: Date.now,
    ...context,
  });
};

/** A guest that answers one kind of command in its own way. */
const when =
  (pattern: RegExp, answer: Answer): Reply =>
  (command, { anonymous }) =>
    pattern.test(command) && !anonymous ? answer : undefined;

test('a healthy guest passes every check', async () => {
  for (const name of checks.keys()) await run(name);
});

describe('a check fails', () => {
  test.each<[string, Reply, string]>([
    [
      'os-release',
      when(/os-release/, { stdout: 'ID=skiff\nVERSION=1.2.2' }),
      "VERSION in /etc/os-release is '1.2.2', expected '1.2.3'",
    ],
    [
      'os-release',
      when(/os-release/, { stdout: 'VERSION=1.2.3' }),
      "ID in /etc/os-release is missing, expected 'skiff'",
    ],
    ['kernel.published', when(/uname -v/, { stdout: '#2 SMP Y' }), "is '#2 SMP Y', expected '#1 SMP X'"],
    [
      'kernel.clean',
      when(/dmesg/, { stdout: 'ok\n[ 1.0] Oops: 0002 [#1] SMP' }),
      'the kernel log has 1 lines of trouble',
    ],
    ['usr.verity', when(/dmsetup status/, { stdout: '0 8 verity C' }), "is 'C', expected 'V'"],
    ['usr.verity', when(/dmsetup table/, { exitCode: 1, stderr: 'No such device' }), 'expected: a dm-verity device'],
    [
      'usr.intact',
      when(/^dd /, { exitCode: 1, stderr: 'Input/output error' }),
      'reading all of /dev/mapper/usr failed',
    ],
    ['usr.root-hash', when(/cmdline/, { stdout: 'usrhash=00' }), "usrhash on the kernel command line is '00'"],
    ['usr.root-hash', when(/cmdline/, { stdout: 'quiet' }), 'usrhash on the kernel command line is missing'],
    ['usr.read-only', when(/^touch/, {}), 'making the file /usr/.slipway-probe was allowed'],
    ['usr.read-only', when(/^mount/, {}), 'mounting /usr for writing was allowed'],
    ['usr.read-only', when(/^findmnt/, { stdout: '/dev/mapper/usr ext4 rw' }), "/usr is mounted with 'rw'"],
    ['usr.read-only', when(/^blockdev/, { stdout: '0' }), "the read-only flag of /dev/mapper/usr is '0'"],
    ['root.writable', when(/^sh -c/, { exitCode: 2, stderr: 'No space left' }), 'failed with exit code 2'],
    ['root.writable', when(/^sh -c/, { stdout: 'other' }), "is 'other', expected"],
    ['ssh.key', when(/^id/, { stdout: 'nobody' }), "the name of the logged-in user is 'nobody'"],
    ['ssh.key', (_command, { anonymous }) => (anonymous ? {} : undefined), 'without a key the answer was exit code 0'],
    [
      'systemd.running',
      when(/is-system-running/, { exitCode: 1, stdout: 'degraded' }),
      "is 'degraded', expected 'running'",
    ],
    [
      'systemd.running',
      when(/is-system-running/, { exitCode: 1, stdout: 'starting' }),
      "is 'starting', expected 'running'",
    ],
    [
      'systemd.failed-units',
      when(/list-units/, { stdout: 'a.service loaded failed failed A' }),
      'failed units: a.service',
    ],
    ['state.reboot', when(/^cat \/var\/lib/, { exitCode: 1, stderr: 'No such file' }), 'failed with exit code 1'],
    ['state.reboot', when(/boot_id/, { stdout: 'same' }), 'the machine did not restart'],
  ])('%s', async (name, reply, message) => {
    await expect(run(name, reply)).rejects.toThrow(message);
  });

  test('boot.login, when it took too long', async () => {
    await expect(run('boot.login', undefined, { bootMs: () => 300_000 })).rejects.toThrow(
      'after 5 min 0 s, expected: within 2 min 0 s',
    );
  });

  test('power.off, when the guest did not follow', async () => {
    await expect(run('power.off', undefined, { powerOff: async () => 'killed' })).rejects.toThrow(
      "is 'killed', expected 'guest'",
    );
  });
});

test('a failed unit is named with its last words', async () => {
  const reply: Reply = (command) => {
    if (command.includes('list-units')) return { stdout: 'a.service loaded failed failed A' };
    return command.startsWith('journalctl') ? { stdout: 'Main process exited' } : undefined;
  };
  await expect(run('systemd.failed-units', reply)).rejects.toMatchObject({
    details: ['a.service:', 'Main process exited'],
  });
});

test('kernel.published does not apply without the published kernel', async () => {
  expect(await run('kernel.published', undefined, {}, { kernelFile: undefined })).toMatchObject({
    skip: expect.any(String),
  });
});
