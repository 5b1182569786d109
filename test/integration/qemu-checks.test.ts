import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { bootProfileSchema } from '../../lib/qemu/index.ts';
import { expectationsSchema, type ImageTestOptions, parseWholeTap, runImageTests } from '../../lib/testing/index.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { type Ending, writeBootSector } from '../lib/qemu/boot-sector.ts';

const makeFolder = useTempFolders();
let folder: string;
let abort: AbortController;
beforeEach(() => {
  folder = makeFolder('checks');
  abort = new AbortController();
});

const PROFILE = { firmware: 'bios', memoryMiB: 64, cpus: 1, sshUser: 'root', bootTimeoutMs: 20_000 };

/** Checks as a tree could bring them; they look at the console only, because the hand-made guest has no ssh. */
const CHECKS: Readonly<Record<string, string>> = {
  'console-hello': `if (!machine.console.find(/hello/)) throw new Error('no hello');`,
  'console-second': `globalThis.slipwayRuns = (globalThis.slipwayRuns ?? 0) + 1;
    if (globalThis.slipwayRuns % 2 === 1) throw new Error('first time <bad> & \\u001b[31mred');`,
  'console-never': `throw new Error('never');`,
};

const writeChecks = async (names: readonly string[]): Promise<string> => {
  const checks = path.join(folder, 'checks');
  await mkdir(checks);
  for (const name of names) {
    const fields = `name: '${name.replaceAll('-', '.')}', summary: 's', console: true`;
    await writeFile(
      path.join(checks, `${name}.mjs`),
      `export const check = { ${fields}, async run({ machine }) { ${CHECKS[name]} } };`,
    );
  }
  return checks;
};

const run = async (text: string, ending: Ending, names: string[], more: Partial<ImageTestOptions> = {}) => {
  const file = path.join(folder, 'guest.img');
  await writeBootSector(file, text, ending);
  return runImageTests({
    media: { kind: 'disk', file, format: 'raw' },
    format: 'qemu',
    arch: 'amd64',
    version: '1.2.3',
    profile: v.parse(bootProfileSchema, PROFILE),
    expected: v.parse(expectationsSchema, { osRelease: {} }),
    patterns: [],
    maxRetries: 3,
    workFolder: path.join(folder, 'work'),
    stateFolder: path.join(folder, 'state'),
    checkFolders: [await writeChecks(names)],
    runner: createRunner({ cwd: folder, env: process.env, signal: abort.signal }),
    log: silentLog,
    signal: abort.signal,
    ...more,
  });
};

describe('runImageTests', () => {
  test('runs failures again, and only those, and reports all of it', async () => {
    const outcome = await run('hello\r\nx login: ', 'hang', ['console-hello', 'console-second', 'console-never']);
    expect(outcome).toMatchObject({
      passed: ['console.hello', 'console.second'],
      failed: ['console.never'],
      flaky: ['console.second'],
      attempts: 3,
    });
    expect(outcome.cases.map(({ name, results }) => [name, results.length])).toEqual([
      ['console.hello', 1],
      ['console.never', 3],
      ['console.second', 2],
    ]);
    const { tap, junit, markdown, runs, consoles } = outcome.files;
    expect(parseWholeTap(await readFile(tap, 'utf8'), tap).tests.map(({ ok }) => ok)).toEqual([true, false, true]);
    const perRun = await Promise.all(
      runs.map(async (file) => parseWholeTap(await readFile(file, 'utf8'), file).tests.length),
    );
    expect(perRun).toEqual([3, 2, 1]);
    execFileSync('xmllint', ['--noout', junit]);
    expect(await readFile(markdown, 'utf8')).toContain('❌ not ok **console.never**; Failed: qemu (1, 2, 3)');
    expect(consoles.map((file) => path.basename(file))).toEqual([
      'console-run-1-1.log',
      'console-run-2-1.log',
      'console-run-3-1.log',
    ]);
    expect(await readFile(consoles[0] ?? '', 'utf8')).toContain('hello');
  }, 60_000);

  test('an image that does not boot fails every check, with its console', async () => {
    const panic = 'Kernel panic - not syncing: x\r\n';
    const outcome = await run(panic, 'hang', ['console-hello', 'console-never'], { maxRetries: 2 });
    expect(outcome).toMatchObject({ passed: [], failed: ['console.hello', 'console.never'], attempts: 2 });
    expect(await readFile(outcome.files.tap, 'utf8')).toContain('VM_PANIC');
    expect(outcome.files.consoles).toHaveLength(2);
  }, 60_000);

  test('takes out what an earlier attempt left, and leaves nothing but reports', async () => {
    const workFolder = path.join(folder, 'work');
    await mkdir(path.join(workFolder, 'machine-4-1'), { recursive: true });
    await writeFile(path.join(workFolder, 'results-run-7.tap'), '1..1\nok\n');
    await writeFile(path.join(workFolder, 'mine.txt'), 'kept');
    await run('hello\r\nx login: ', 'hang', ['console-hello']);
    expect((await readdir(workFolder)).sort()).toEqual([
      'console-run-1-1.log',
      'mine.txt',
      'results-run-1.tap',
      'results.md',
      'results.tap',
      'results.xml',
    ]);
  }, 60_000);

  test('an interruption throws its reason and leaves no machine folder', async () => {
    setTimeout(() => abort.abort(new Error('interrupted')), 1500);
    await expect(run('no prompt', 'hang', ['console-hello'])).rejects.toThrow('interrupted');
    expect((await readdir(path.join(folder, 'work'))).filter((name) => name.startsWith('machine'))).toEqual([]);
  }, 60_000);

  test.each([0, 1.5, Number.NaN])('refuses %p runs', async (maxRetries) => {
    await expect(run('', 'hang', ['console-hello'], { maxRetries })).rejects.toMatchObject({
      code: 'CHECK_RUNS_INVALID',
    });
  });

  test('names a missing QEMU before anything is booted', async () => {
    const runner = createRunner({ cwd: folder, env: { PATH: '/nowhere' } });
    await expect(run('', 'hang', ['console-hello'], { runner })).rejects.toMatchObject({ code: 'QEMU_MISSING' });
  });
});
