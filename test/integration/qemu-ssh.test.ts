import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createRunner } from '../../lib/process/index.ts';
import { createGuestLink, type GuestLink } from '../../lib/qemu/guest-link.ts';
import type { Console } from '../../lib/qemu/index.ts';
import type { Watch } from '../../lib/qemu/watch.ts';
import { startSshd, type TestSshd } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';

jest.setTimeout(30_000);

const makeFolder = useTempFolders();
let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd({ folder: makeFolder('sshd') });
});
afterAll(() => sshd.stop());

/** A machine that stays well until it is lost; its guest is the test's sshd. */
const createLink = async (
  key: string,
  timeoutMs = 5000,
): Promise<{ link: GuestLink; lose: (error: Error) => void }> => {
  const folder = path.join(makeFolder('link'), 'a folder');
  await mkdir(folder);
  await copyFile(key, path.join(folder, 'key'));
  const { promise: fate, reject: lose } = Promise.withResolvers<never>();
  fate.catch(() => {});
  const watch = { fate, guard: (work: Promise<unknown>) => Promise.race([fate, work]) } as unknown as Watch;
  const console = { file: '/console.log', lastLines: () => ['skiff login:'] } as unknown as Console;
  const runner = createRunner({ cwd: folder, env: { ...process.env, SSH_AUTH_SOCK: '/nowhere' }, killGraceMs: 500 });
  const target = { runner, folder, user: sshd.user, port: sshd.port };
  const link = createGuestLink({ target, watch, console, timeoutMs, signal: new AbortController().signal });
  return { link, lose };
};

describe('a guest link', () => {
  let link: GuestLink;
  beforeAll(async () => {
    ({ link } = await createLink(sshd.clientKey));
    await link.connect();
  });
  afterAll(() => link.close());

  test('takes words as they are, whatever they contain', async () => {
    const words = ['a b', "it's", '$HOME', '`id`', '*', '-n', '"', '\\', 'é', ';', ''];
    const { stdout } = await link.run(['printf', '[%s]', ...words]);
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  test('gives exit codes, both outputs and takes input', async () => {
    expect(await link.run(['sh', '-c', 'cat; echo oops >&2; exit 7'], { input: 'in\nput' })).toMatchObject({
      exitCode: 7,
      stdout: 'in\nput',
      stderr: expect.stringContaining('oops'),
    });
  });

  test('shows that nobody enters without the key', async () => {
    const stranger = await link.run(['true'], { anonymous: true });
    expect([stranger.exitCode, /permission denied/i.test(stranger.stderr)]).toEqual([255, true]);
  });

  test('stops a command that takes too long, and stays usable', async () => {
    await expect(link.run(['sleep', '30'], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'COMMAND_TIMED_OUT' });
    expect((await link.run(['echo', 'still here'])).stdout).toBe('still here');
  });
});

test('a wrong key is told as what it is, in time', async () => {
  const { link } = await createLink(sshd.foreignKey, 6000);
  const startedMs = performance.now();
  await expect(link.connect()).rejects.toMatchObject({
    code: 'VM_SSH_UNREACHABLE',
    message: expect.stringContaining('Permission denied'),
    hint: expect.stringContaining('| skiff login:'),
  });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  await link.close();
});

test('a lost machine ends what runs in it with the reason of the loss', async () => {
  const { link, lose } = await createLink(sshd.clientKey);
  await link.connect();
  const startedMs = performance.now();
  const running = link.run(['sleep', '30']);
  setTimeout(() => lose(new Error('panic')), 200);
  await expect(running).rejects.toThrow('panic');
  await expect(link.run(['true'])).rejects.toThrow('panic');
  await link.close();
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});
