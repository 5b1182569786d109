import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const checkout = join(import.meta.dirname, '../../..');

const LOCK = {
  packages: {
    '': { name: 'fixture' },
    'node_modules/node': { version: '24.0.0', integrity: 'sha512-node', hasInstallScript: true },
    'node_modules/left': { version: '1.0.0', integrity: 'sha512-left' },
    'node_modules/elsewhere': { version: '1.0.0', integrity: 'sha512-else', optional: true, os: ['win32'] },
  },
};

/** Stands for npm: installs what the lockfile says, as far as the tests can see, and notes what it was called with. */
const NPM = `#!/bin/sh
echo "$*" >> npm-calls
[ "$1" = rebuild ] && exit 0
sleep 0.2
[ -e npm-fails ] && { echo 'npm error network' >&2; exit 1; }
mkdir -p node_modules/node/bin node_modules/.bin
ln -sf '${process.execPath}' node_modules/node/bin/node
ln -sf ../node/bin/node node_modules/.bin/node
grep -v elsewhere package-lock.json > node_modules/.package-lock.json
`;

/** Stands for esbuild's work: notes that it was called. */
const BUNDLE = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync('bundle-calls', 'bundled\\n');
mkdirSync('node_modules/.slipway', { recursive: true });
writeFileSync('node_modules/.slipway/image.mjs', '');
`;

const SCRIPT = `
const [what = '', ...rest]: string[] = process.argv.slice(2);
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(7));
  setTimeout(() => {}, 60_000);
}
console.log(JSON.stringify({ what, rest, node: process.argv0, path: process.env.PATH?.split(':')[0], main: import.meta.main }));
if (what === 'fail') process.exit(5);
`;

const SETUP = 'ci-automation/setup.ts';
/** Longer than the grain of the file system's clock. */
const A_MOMENT_MS = 30;

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-enter-'));
  await cp(join(checkout, 'lib/setup'), join(root, 'lib/setup'), { recursive: true });
  await mkdir(join(root, 'config'));
  await cp(join(checkout, 'config/host-packages.json'), join(root, 'config/host-packages.json'));
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ type: 'module', allowScripts: { node: true, left: false } }),
  );
  await writeLock(LOCK);
  await writeFile(join(root, 'script.ts'), SCRIPT);
  await mkdir(join(root, 'ci-automation'));
  await writeFile(join(root, SETUP), SCRIPT);
  await writeFile(join(root, 'lib/setup/bundle-steps.mjs'), BUNDLE);
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin/npm'), NPM);
  await chmod(join(root, 'bin/npm'), 0o755);
  await symlink(process.execPath, join(root, 'bin/node'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** One entry a line, for the stand-in's grep. */
const writeLock = (lock: typeof LOCK): Promise<void> => {
  const lines = Object.entries(lock.packages).map(
    ([place, entry]) => `${JSON.stringify(place)}: ${JSON.stringify(entry)}`,
  );
  return writeFile(
    join(root, 'package-lock.json'),
    `{"packages": {\n${lines.join(',\n').replace(/,\n(?=.*elsewhere)/, '\n,')}\n}}\n`,
  );
};

const start = (args: string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, [join(root, 'lib/setup/enter.mjs'), ...args], {
    cwd: root,
    env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const ended = (child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });

const run = (args: string[], env: Record<string, string> = {}) => ended(start(args, env));
const npmCalls = async (): Promise<string[]> =>
  (await readFile(join(root, 'npm-calls'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
const bundleCalls = async (): Promise<number> =>
  (await readFile(join(root, 'bundle-calls'), 'utf8').catch(() => '')).split('bundled').length - 1;

describe('the first run', () => {
  test('installs by the lockfile, says so, and runs the script with the pinned Node', async () => {
    const { code, stdout, stderr } = await run(['script.ts', 'a', 'b c', '--tag', 'X']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      what: 'a',
      rest: ['b c', '--tag', 'X'],
      node: join(root, 'node_modules/node/bin/node'),
      path: join(root, 'node_modules/.bin'),
      main: true,
    });
    expect(stderr).toContain('Installing the npm packages of package-lock.json');
    expect(await npmCalls()).toEqual([
      expect.stringMatching(/^ci --include=dev --ignore-scripts /),
      expect.stringMatching(/^rebuild --ignore-scripts=false .*node$/),
    ]);
    expect(await bundleCalls()).toBe(1);
  });

  test('of two at once, one installs and the other waits', async () => {
    const both = await Promise.all([run(['script.ts', 'a']), run(['script.ts', 'b'])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect((await npmCalls()).filter((call) => call.startsWith('ci'))).toHaveLength(1);
    expect(both.map(({ stderr }) => stderr).join('')).toContain('Another run is installing');
    expect(await bundleCalls()).toBe(1);
  });

  test('with SLIPWAY_NO_INSTALL=1 installs nothing, lists what is missing, and ends with 2', async () => {
    const { code, stderr } = await run(['script.ts'], { SLIPWAY_NO_INSTALL: '1' });
    expect(code).toBe(2);
    expect(stderr).toContain('npm packages (2)');
    expect(stderr).toContain('node@24.0.0 left@1.0.0');
    expect(stderr).not.toContain('elsewhere');
    expect(await npmCalls()).toEqual([]);
  });

  test('says what to do when npm fails', async () => {
    await writeFile(join(root, 'npm-fails'), '');
    const { code, stdout, stderr } = await run(['script.ts', 'a']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/npm error network[\s\S]*SETUP_NPM_FAILED: 'npm ci .*' failed \(1\)/);
  });

  test('says what to do when there is no npm', async () => {
    await rm(join(root, 'bin/npm'));
    await mkdir(join(root, 'tools'));
    await symlink('/usr/bin/flock', join(root, 'tools/flock'));
    const { code, stderr } = await run(['script.ts', 'a'], { PATH: join(root, 'tools') });
    expect(code).toBe(1);
    expect(stderr).toContain('npm is not installed');
  });
});

describe('the second run', () => {
  beforeEach(async () => {
    await run(['script.ts', 'a']);
    await rm(join(root, 'npm-calls'));
  });

  test('installs nothing and says nothing', async () => {
    const { code, stderr } = await run(['script.ts', 'a']);
    expect([code, stderr, await npmCalls()]).toEqual([0, '', []]);
  });

  test('installs again when the lockfile has changed', async () => {
    const left = { version: '1.0.1', integrity: 'sha512-newer' };
    await writeLock({ packages: { ...LOCK.packages, 'node_modules/left': left } });
    expect((await run(['script.ts', 'a'])).code).toBe(0);
    expect(await npmCalls()).toHaveLength(2);
  });

  test('installs again when the pinned Node is gone', async () => {
    await rm(join(root, 'node_modules/node/bin/node'));
    expect((await run(['script.ts', 'a'])).code).toBe(0);
    expect(await npmCalls()).toHaveLength(2);
  });

  describe('of setup', () => {
    const BUNDLING =
      'Putting the steps into bundles, so that they start faster (first run, or a source has changed).\n';

    test('leaves bundles alone that are newer than every source', async () => {
      const { code, stderr } = await run([SETUP, 'a']);
      expect([code, stderr, await bundleCalls()]).toEqual([0, '', 1]);
    });

    test.each([
      ['a source has changed', () => writeFile(join(root, 'lib/setup/run-step.sh'), 'changed')],
      ['they are gone', () => rm(join(root, 'node_modules/.slipway'), { recursive: true })],
    ])('makes the bundles again when %s, and says so in one line; another command does not', async (_when, spoil) => {
      await sleep(A_MOMENT_MS);
      await spoil();
      expect((await run(['script.ts', 'a'])).stderr).toBe('');
      expect((await run([SETUP, 'a'], { SLIPWAY_NO_INSTALL: '1' })).stderr).toBe('');
      expect(await bundleCalls()).toBe(1);
      const { code, stderr } = await run([SETUP, 'a']);
      expect([code, stderr, await bundleCalls(), await npmCalls()]).toEqual([0, BUNDLING, 2, []]);
      expect((await run([SETUP, 'a'])).stderr).toBe('');
    });
  });

  test('ends as the script ends', async () => {
    expect((await run(['script.ts', 'fail'])).code).toBe(5);
  });

  test('hands signals to the script', async () => {
    const child = start(['script.ts', 'wait']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    expect((await ended(child)).code).toBe(7);
  });

  test('names a script that is not there', async () => {
    const { code, stderr } = await run(['no-such.ts']);
    expect(code).toBe(2);
    expect(stderr).toContain("no script 'no-such.ts'");
  });
});
