import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { slipwayError } from '../../../lib/errors/index.ts';
import { silentLog } from '../../../lib/log/index.ts';
import type { Machine } from '../../../lib/qemu/index.ts';
import { CHECKS_FOLDER, type Check, CheckFailure, expectationsSchema, loadChecks } from '../../../lib/testing/index.ts';
import { assembleSessions } from '../../../lib/testing/run-image-tests.ts';
import { runSession, type SessionOptions } from '../../../lib/testing/session.ts';

const PANIC = slipwayError('VM_PANIC', {
  sign: 'kernel panic',
  line: 'boo',
  consoleFile: '/c.log',
  lastLines: ['boo'],
});

/** A machine of ours: what fails when, and what was called. */
const fakeMachine = (more: Partial<Machine> = {}) => {
  const calls: string[] = [];
  const note = (name: string) => async (): Promise<void> => void calls.push(name);
  const machine = {
    lost: () => undefined,
    bootMs: () => 1000,
    awaitLogin: note('awaitLogin'),
    connect: note('connect'),
    stop: note('stop'),
    ...more,
  } as unknown as Machine;
  return { machine, calls };
};

const optionsFor = (machine: Machine, more: Partial<SessionOptions> = {}): SessionOptions => ({
  run: 1,
  platform: 'qemu',
  version: '1.2.3',
  expected: v.parse(expectationsSchema, { osRelease: {} }),
  log: silentLog,
  signal: new AbortController().signal,
  now: Date.now,
  start: async () => machine,
  ...more,
});

const check = (name: string, run: Check['run'] = async () => {}, more: Partial<Check> = {}): Check => ({
  name,
  summary: name,
  run,
  ...more,
});
const brief = (results: Awaited<ReturnType<typeof runSession>>) =>
  results.map(({ name, outcome, message }) => [name, outcome, message]);

describe('runSession', () => {
  test('turns whatever a check does into a result, and ends the machine', async () => {
    const { machine, calls } = fakeMachine();
    const checks = [
      check('good'),
      check('noted', async () => ({ note: '3 s' })),
      check('skipped', async () => ({ skip: 'not here' })),
      check('failed', async () => {
        throw new CheckFailure('no', ['seen']);
      }),
      check('broken', async () => {
        throw new TypeError('x is undefined');
      }),
      check('hanging', () => new Promise<void>(() => {}), { timeoutMs: 20 }),
    ];
    const results = await runSession(checks, optionsFor(machine));
    expect(brief(results)).toEqual([
      ['good', 'passed', undefined],
      ['noted', 'passed', '3 s'],
      ['skipped', 'skipped', 'not here'],
      ['failed', 'failed', 'no'],
      ['broken', 'failed', 'the check itself is broken: x is undefined'],
      ['hanging', 'failed', 'not finished within 20 ms'],
    ]);
    expect(results[3]?.details).toEqual(['seen']);
    expect(calls).toEqual(['awaitLogin', 'connect', 'stop']);
  });

  test('fails every check with the reason when the machine does not boot', async () => {
    const { machine, calls } = fakeMachine({ awaitLogin: () => Promise.reject(PANIC) });
    const results = await runSession([check('a'), check('b')], optionsFor(machine));
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(results[1]?.message).toContain('VM_PANIC');
    expect(results[1]?.details?.join()).toContain('| boo');
    expect(calls).toEqual(['stop']);
  });

  test('still runs the console checks when nobody can log in', async () => {
    const { machine } = fakeMachine({ connect: () => Promise.reject(PANIC) });
    const results = await runSession(
      [check('a'), check('boot', async () => {}, { console: true })],
      optionsFor(machine),
    );
    expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['boot', 'passed'],
      ['a', 'failed'],
    ]);
  });

  test('leaves the rest without a result when a check loses the machine', async () => {
    let lost: Error | undefined;
    const { machine } = fakeMachine({ lost: () => lost });
    const killer = check('killer', async () => {
      lost = PANIC;
      throw PANIC;
    });
    expect((await runSession([check('a'), killer, check('b')], optionsFor(machine))).map(({ name }) => name)).toEqual([
      'a',
      'killer',
    ]);
  });

  test('does not take a missing program for a failure of the image', async () => {
    const missing = slipwayError('QEMU_MISSING', { program: 'qemu', package: 'x' });
    const options = optionsFor(fakeMachine().machine, { start: () => Promise.reject(missing) });
    await expect(runSession([check('a')], options)).rejects.toBe(missing);
  });

  test('throws the reason of an abort, and ends the machine', async () => {
    const { machine, calls } = fakeMachine();
    const abort = new AbortController();
    const aborting = check('a', async () => {
      abort.abort(new Error('stop it'));
      throw new Error('some consequence');
    });
    await expect(runSession([aborting], optionsFor(machine, { signal: abort.signal }))).rejects.toThrow('stop it');
    expect(calls.at(-1)).toBe('stop');
  });
});

test('assembleSessions shares a boot, disturbing checks last, and gives a machine of its own where asked', () => {
  const of = (name: string, machine?: Check['machine']): Check => check(name, undefined, { machine });
  const sessions = assembleSessions([of('a', 'ends'), of('b', 'own'), of('c'), of('d', 'restarts'), of('e')]);
  expect(sessions.map((session) => session.map(({ name }) => name))).toEqual([['c', 'e', 'd', 'a'], ['b']]);
  expect(assembleSessions([])).toEqual([]);
});

describe('loadChecks', () => {
  test('every check of ours has the name of its file', async () => {
    const checks = await loadChecks();
    const files = (await readdir(CHECKS_FOLDER)).map((file) => file.replace(/\.ts$/, ''));
    expect(new Set(checks.map(({ name }) => name.replaceAll('.', '-')))).toEqual(new Set(files));
  });

  test.each([
    ['export const other = 1;', "no export 'check'"],
    ["export const check = { name: 'Bad Name', summary: 's', run() {} };", 'Bad Name'],
    ["export const check = { name: 'a', run() {} };", 'no summary'],
    ["export const check = { name: 'a', summary: 's' };", 'no function run'],
    ["export const check = { name: 'os-release', summary: 's', run() {} };", 'taken'],
  ])('refuses %j', async (source, reason) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'checks-'));
    try {
      await writeFile(path.join(folder, 'mine.mjs'), source);
      await expect(loadChecks([CHECKS_FOLDER, folder])).rejects.toMatchObject({
        code: 'CHECK_MODULE_INVALID',
        message: expect.stringContaining(reason),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
