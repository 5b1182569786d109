import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SETTINGS } from '../../lib/config/settings-table.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SHIMS = join(ROOT, 'config', 'shims');
const VERSION = 'main-1.2.3-shim';

/** File and function of the original. */
const functions = {
  'garbage_collect.sh': 'garbage_collect',
  'garbage_collect_github_ci_sdk.sh': 'garbage_collect_github_ci',
  'garbage_collect_releases.sh': 'garbage_collect_releases',
  'image.sh': 'image_build',
  'packages-tag.sh': 'packages_tag',
  'packages.sh': 'packages_build',
  'push_pkgs.sh': 'push_packages',
  'release.sh': 'release_build',
  'sdk_bootstrap.sh': 'sdk_bootstrap',
  'sdk_container.sh': 'sdk_container_build',
  'test.sh': 'test_run',
  'vms.sh': 'vm_build',
};

const worlds = useWorlds();

/** Runs a script like a CI job does, in the root of the tree. */
const bash = (world: FixtureWorld, script: string, env: Readonly<Record<string, string>> = {}) =>
  spawnSync('bash', ['-c', script], { cwd: world.tree, env: { ...world.env, ...env }, encoding: 'utf8' });

/** A tree whose `packages-tag.sh` is a link to ours. */
const makeWorld = (put: (target: string) => void): FixtureWorld => {
  const world = worlds.fresh();
  mkdirSync(join(world.tree, 'ci-automation'), { recursive: true });
  put(join(world.tree, 'ci-automation/packages-tag.sh'));
  return world;
};
const linked = (): FixtureWorld => makeWorld((target) => symlinkSync(join(SHIMS, 'packages-tag.sh'), target));
const copied = (): FixtureWorld => makeWorld((target) => cpSync(join(SHIMS, 'packages-tag.sh'), target));

describe('the shims', () => {
  it.each(Object.entries(functions))('%s defines %s and nothing else', (file, name) => {
    const list = '{ compgen -v; compgen -A function; shopt -p; set +o; trap; }';
    const script = `${list} >a; . '${join(SHIMS, file)}'; ${list} >b; diff a b`;
    const world = worlds.fresh();
    const { stdout } = bash(world, `_=; ${script}`);
    expect(stdout.split('\n').filter((line) => /^[<>]/.test(line))).toEqual([`> ${name}`]);
  });

  it('are all of them, each with the name of the function and a step', () => {
    expect(readdirSync(SHIMS).filter((name) => name.endsWith('.sh'))).toEqual(Object.keys(functions));
  });

  it('export every setting that there is', () => {
    const names = readFileSync(join(SHIMS, 'lib/settings.txt'), 'utf8').trimEnd().split('\n');
    expect(new Set(names)).toEqual(new Set(Object.keys(SETTINGS)));
  });
});

describe('a function of a shim', () => {
  it.each([
    ['a link', linked, {}],
    ['a copy with SLIPWAY_HOME', copied, { SLIPWAY_HOME: ROOT }],
  ])('%s: runs the step, whose exit code it returns', (_name, make, env) => {
    const world = make();
    const good = bash(world, `set -euo pipefail; source ci-automation/packages-tag.sh; packages_tag ${VERSION}`, env);
    expect([good.status, good.stderr.includes(`refs/tags/${VERSION}`)]).toEqual([0, true]);
    expect(world.git('ls-remote', 'origin', `refs/tags/${VERSION}`)).not.toBe('');
    const bad = bash(world, '. ci-automation/packages-tag.sh; packages_tag 1.2.3; echo "status $?"', env);
    expect(bad.stdout).toContain('status 2');
  });

  it('a copy that does not know where Slipway is says so', () => {
    const { status, stderr } = bash(copied(), `. ci-automation/packages-tag.sh; packages_tag ${VERSION}`);
    expect([status, stderr]).toEqual([
      2,
      'packages_tag: SLIPWAY_HOME must be the folder of Slipway, or ci-automation/packages-tag.sh a link into it\n',
    ]);
  });

  it('passes on settings that the job has set and not exported, as the original sees them', () => {
    const world = linked();
    const { status, stderr } = bash(world, `SIGN=1; . ci-automation/packages-tag.sh; packages_tag ${VERSION}`);
    expect([status, stderr.includes('SIGN_WITHOUT_KEY')]).toEqual([2, true]);
  });

  it('fails as a whole also where a shell forgives functions their failures (defect 27)', () => {
    const world = linked();
    world.write('staged', 'x');
    world.git('add', 'staged');
    const script =
      '. ci-automation/packages-tag.sh; if packages_tag VERSION; then echo done; else echo "ended with $?"; fi';
    const { stdout } = bash(world, script.replace('VERSION', VERSION));
    expect(stdout.split('\n').at(-2)).toBe('ended with 2');
    expect([world.git('tag'), world.git('log', '--format=%s')]).toEqual(['', 'Initial']);
  });

  it('leaves the shell of the caller as it was, and words that look like flags are no flags', () => {
    const world = linked();
    const { stdout, stderr } = bash(
      world,
      'home=mine; . ci-automation/packages-tag.sh; packages_tag --help || true; echo "$home ${_slipway_home-none} $PWD"',
    );
    expect(stdout).toBe(`mine none ${world.tree}\n`);
    expect(stderr).toContain("'--help' is not a version");
  });
});

it('a signed tag without a key is refused before anything is committed', () => {
  const world = linked();
  const before = [world.git('rev-parse', 'HEAD'), world.git('reflog'), world.git('ls-remote', 'origin')];
  const { status, stderr } = bash(world, `. ci-automation/packages-tag.sh; SIGN=1 packages_tag ${VERSION}`);
  expect([status, stderr.includes('error SIGN_WITHOUT_KEY')]).toEqual([2, true]);
  expect([world.git('rev-parse', 'HEAD'), world.git('reflog'), world.git('ls-remote', 'origin')]).toEqual(before);
});

describe('a build id that could be code (defect 35)', () => {
  it.each([
    'main-1.2.3-$(touch${IFS}X)',
    'main-1.2.3-a b',
    'main-1.2.3-a\nalpha-4.5.6-b',
    'main-1.2.3-../../x',
    'main-1.2.3-a+b',
  ])('%j is refused before anything happens', (version) => {
    const world = linked();
    const { status, stderr } = bash(world, '. ci-automation/packages-tag.sh; packages_tag "$VERSION_TO_TRY"', {
      VERSION_TO_TRY: version,
    });
    expect([status, stderr.includes('VERSION_INVALID')]).toEqual([2, true]);
    expect(world.git('tag')).toBe('');
  });

  it('in a version file that somebody else wrote is not executed either', () => {
    const world = linked();
    const file = execFileSync('git', ['ls-files', '*version.txt'], { cwd: world.tree, encoding: 'utf8' }).trim();
    const text = readFileSync(join(world.tree, file), 'utf8');
    writeFileSync(join(world.tree, file), text.replace(/^(\w+SDK_VERSION)=.*$/m, '$1=1.2.3+$(touch${IFS}X)'));
    const { status, stderr } = bash(world, `. ci-automation/packages-tag.sh; packages_tag ${VERSION}`);
    expect([status, stderr.includes('VERSION_FILE_INVALID')]).toEqual([2, true]);
    expect(readdirSync(world.tree)).not.toContain('X');
  });
});
