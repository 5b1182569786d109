import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { root } from '../contract/source-files.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeFolder = useTempFolders();

interface End {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of ci-automation/ in a folder. */
const run = (cwd: string, script: string, args: readonly string[], env: Record<string, string> = {}): End => {
  const errors = join(makeFolder(), 'stderr');
  const command = [`exec "$0" "$@" 2> '${errors}'`, join(root, 'ci-automation', `${script}.ts`), ...args];
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const stderr = (): string => execFileSync('cat', [errors], { encoding: 'utf8' });
  const options = { cwd, env: { PATH, HOME, NODE_COMPILE_CACHE, ...env }, encoding: 'utf8' } as const;
  try {
    return { exitCode: 0, stdout: execFileSync('sh', ['-c', ...command], options), stderr: stderr() };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { exitCode: status, stdout, stderr: stderr() };
  }
};

/** As much of a checkout of flatcar/scripts as `config` looks at, with adapted settings. */
const makeTree = (settings: string): string => {
  const tree = makeFolder();
  const manifests = join(tree, 'sdk_container/.repo/manifests');
  for (const folder of [manifests, join(tree, 'ci-automation')]) mkdirSync(folder, { recursive: true });
  const versions = [
    'FLATCAR_VERSION=1.2.3',
    'FLATCAR_VERSION_ID=1.2.3',
    'FLATCAR_BUILD_ID=""',
    'FLATCAR_SDK_VERSION=1.2.3',
  ];
  writeFileSync(join(manifests, 'version.txt'), `${versions.join('\n')}\n`);
  writeFileSync(join(tree, 'ci-automation/ci-config.env'), settings);
  return tree;
};

const SETTINGS = `
BUILDCACHE_SERVER="\${BUILDCACHE_SERVER:-cache.example.org}"
BUILDCACHE_USER="builder"
if ! command -v zstd > /dev/null; then
  touch was-here; echo >&2 "no zstd"
fi
CI_GIT_AUTHOR="us"
`;

let tree: string;
beforeEach(() => {
  tree = makeTree(SETTINGS);
});

describe('config show', () => {
  test("shows what the tree's file sets, and names what is not executed", () => {
    const { exitCode, stdout, stderr } = run(tree, 'config', ['show']);
    const file = join(tree, 'ci-automation/ci-config.env');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^BUILDCACHE_SERVER +cache\\.example\\.org +${file}:2$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^BUILDCACHE_USER +builder +${file}:3$`, 'm'));
    expect(stderr).toBe(
      `${file}:4-6 cannot be read as data and is not executed, the command 'if': if ! command -v zstd > /dev/null; then\n`,
    );
    expect(existsSync(join(tree, 'was-here'))).toBe(false);
  });

  test('works outside of a tree, and with settings that no step would start with', () => {
    expect(run(makeFolder(), 'config', ['show'])).toMatchObject({ exitCode: 0, stderr: '' });
    const computed = makeTree('BUILDCACHE_SERVER=$(hostname)\n');
    const { exitCode, stderr } = run(computed, 'config', ['show']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('BUILDCACHE_SERVER: a command substitution ($(hostname)): only a shell could evaluate it');
  });

  test('as npm script it is about the folder that npm was called in', () => {
    const npm = { npm_lifecycle_event: 'config', npm_package_name: 'slipway', INIT_CWD: tree };
    expect(run(root, 'config', ['show'], npm).stdout).toMatch(/^BUILDCACHE_USER +builder/m);
  });
});

describe('config import', () => {
  test('prints a file of settings with which everything is as before', () => {
    const shown = (): unknown[] =>
      (JSON.parse(run(tree, 'config', ['show', '--json']).stdout) as { name: string; value: string }[]).map((one) => [
        one.name,
        one.value,
      ]);
    const before = shown();
    const { exitCode, stdout, stderr } = run(tree, 'config', ['import']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('# ci-automation/ci-config.env:2\nBUILDCACHE_SERVER=cache.example.org\n');
    expect(stderr).toContain("not Slipway's; it stays there, for the tree's own scripts: CI_GIT_AUTHOR");
    writeFileSync(join(tree, 'ci-config.env'), stdout);
    writeFileSync(join(tree, 'ci-automation/ci-config.env'), '');
    expect(shown()).toEqual(before);
  });

  test('of a named file, as JSON; exit code 1 when a setting could not be read', () => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'some.env'), 'BUILDCACHE_SERVER=$(hostname)\nBUILDCACHE_USER=me\n');
    const { exitCode, stdout, stderr } = run(folder, 'config', ['import', 'some.env', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      file: join(folder, 'some.env'),
      settings: [{ name: 'BUILDCACHE_USER', value: 'me', line: 2 }],
      missing: [
        {
          name: 'BUILDCACHE_SERVER',
          line: 1,
          reason: 'only a shell could evaluate a command substitution ($(hostname))',
        },
      ],
    });
    expect(stderr).toContain('some.env:1 sets BUILDCACHE_SERVER, which is not imported');
  });

  test('is refused where there is nothing to import', () => {
    expect(run(makeFolder(), 'config', ['import'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('CONFIG_NOTHING_TO_IMPORT'),
    });
    expect(run(makeFolder(), 'config', ['import', 'none.env'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('CONFIG_FILE_UNREADABLE'),
    });
  });
});

test('a step does not start with a default in the place of a value that only a shell could evaluate', () => {
  const computed = makeTree('BUILDCACHE_SERVER=$(touch was-here; hostname)\n');
  const { exitCode, stderr } = run(computed, 'image', ['amd64']);
  expect({ exitCode, executed: existsSync(join(computed, 'was-here')) }).toEqual({ exitCode: 2, executed: false });
  expect(stderr).toContain('SETTINGS_NEED_SHELL');
  expect(stderr).toContain('ci-automation/ci-config.env:1: BUILDCACHE_SERVER: a command substitution');
});
