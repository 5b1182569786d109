import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { argumentsOf, BUILD, buildUpTo, PIPELINE, withdrawPackages } from '../helpers/fixture-pipeline.ts';
import { parseEvents } from '../helpers/fixture-result.ts';
import { snapshotOf } from '../helpers/fixture-snapshot.ts';
import { runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';

const STEPS = ['sdk_bootstrap', 'sdk_container', 'sdk_tag', 'packages_tag', 'packages', 'image', 'vms', 'test'];

const worlds = useWorlds();
/** Nothing is built yet. */
let fresh: FixtureWorld;
/** All but the vendor images is built. */
let built: FixtureWorld;

beforeAll(async () => {
  fresh = worlds.fresh();
  built = worlds.copyOf(fresh);
  await buildUpTo(built, 'image');
}, 60_000);

describe('--help and --version', () => {
  test.concurrent.each(STEPS)('%s says how it is called, anywhere', async (step) => {
    const { exitCode, stdout, stderr } = await runStep(fresh, step, ['--help'], { cwd: fresh.temp });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${step}: .+\n\nUsage: ${step}\\.ts \\[OPTION\\.\\.\\.\\]`));
    for (const word of ['Reads:', 'Writes:', '--plan', '--buildcache-dir', 'Exit codes: 0 done', '130/143']) {
      expect(stdout).toContain(word);
    }
  });

  test('--version is that of package.json', async () => {
    const { exitCode, stdout } = await runStep(fresh, 'image', ['--version'], { cwd: fresh.temp });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^slipway \d+\.\d+\.\d+\n$/) });
  });
});

/** Most of it is published already. */
const anyway = { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };

describe('--plan', () => {
  const planned = ({ stderr }: StepEnd): string[] =>
    stderr.split('\n').flatMap((line) => /^ *would (.*)/.exec(line)?.[1] ?? []);

  const plans = [
    {
      step: 'sdk_bootstrap',
      effects: [/run: git commit/, /run: git push --atomic/, /bootstrap_sdk_container .* debian/, /publish to sdk\//],
    },
    {
      step: 'sdk_container',
      effects: [/fetch sdk\/amd64/, /build_sdk_container_image/, /publish it as containers\/.*all.*\.tar\.zst/],
    },
    { step: 'packages_tag', args: ['alpha-4888.1.0'], effects: [/run: git commit/, /run: git push/] },
    { step: 'packages', effects: [/\.\/build_packages --board=amd64-usr/, /commit/, /publish it as containers/] },
    { step: 'image', effects: [/\.\/build_image --board=amd64-usr/, /publish to images\/amd64/] },
    { step: 'vms', effects: [/--format qemu/, /--format azure/, /publish to images\/amd64/] },
    { step: 'test', args: ['amd64', 'qemu_uefi'], effects: [/boot skiff_production_qemu_uefi_image\.img/] },
  ];

  test.each(plans)('$step says what it would do and changes nothing', async ({ step, args, effects }) => {
    const world = step === 'sdk_bootstrap' ? fresh : built;
    const before = snapshotOf(world);
    const pipelineStep = PIPELINE.find(([name]) => name === step)?.[0];
    const words = args ?? (pipelineStep ? argumentsOf(pipelineStep) : []);
    const end = await runStep(world, step, [...words, '--plan'], { env: anyway });
    expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(snapshotOf(world)).toEqual(before);
    expect(leftoversOf(world).filter((what) => !what.startsWith('container '))).toEqual([]);
    expect(world.takeCalls()).toEqual([]);
    for (const effect of effects) expect(planned(end)).toContainEqual(expect.stringMatching(effect));
  });

  test('with keys configured, neither keeps a key ring nor signs', async () => {
    const world = worlds.copyOf(built);
    mkdirSync(join(world.folder, 'keys'));
    const key = makeTestKey({ folder: join(world.folder, 'keys'), name: 'Planner' });
    const before = snapshotOf(world);
    const env = { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, TRUSTED_KEYS: key.publicKeyFile };
    const { exitCode } = await runStep(world, 'vms', ['amd64', 'qemu', '--plan'], { env });
    expect(exitCode).toBe(0);
    expect(snapshotOf(world)).toEqual(before);
  });

  test('says the error that the step would end with, and changes nothing', async () => {
    const world = worlds.copyOf(fresh);
    world.write('packages/one', 'changed\n');
    const before = snapshotOf(world);
    const { exitCode, stderr } = await runStep(world, 'packages_tag', ['alpha-4888.1.0', '--plan']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('error CHECKOUT_DIRTY: The checkout has uncommitted changes in 1 file');
    expect(snapshotOf(world)).toEqual(before);
  });
});

describe('--json', () => {
  test('every line of standard error is an event; the last says how it ended', async () => {
    const world = worlds.copyOf(built);
    withdrawPackages(world);
    const { exitCode, stdout, stderr } = await runStep(world, 'packages', ['amd64', '--json']);
    expect(exitCode).toBe(0);
    const events = parseEvents(stderr);
    const resultFile = stdout.trim();
    expect(events[0]).toMatchObject({ kind: 'step-started', step: 'packages', args: ['amd64'], cwd: world.tree });
    expect(events.at(-1)).toMatchObject({ kind: 'step-finished', outcome: 'done', exitCode: 0, resultFile });
    expect(events.find(({ kind }) => kind === 'environment')).toMatchObject({
      engine: expect.stringMatching(/^docker/),
    });
    const facts = Object.assign({}, ...events.flatMap(({ kind, values }) => (kind === 'facts' ? [values] : [])));
    expect(facts).toMatchObject({ arch: 'amd64', sdkVersion: BUILD.cacheForm, commit: world.git('rev-parse', 'HEAD') });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'cache-hit', what: 'container image' }));
    expect(events).toContainEqual(expect.objectContaining({ kind: 'cache-hit', what: 'binary packages' }));
    const up = events.filter(({ kind, direction }) => kind === 'transfer' && direction === 'up');
    expect(up.map(({ what }) => what)).toContain(`containers/${BUILD.dockerForm}`);
    // Everything that belongs somewhere names a phase that began before it.
    const begun = new Set<unknown>();
    for (const event of events) {
      if (event.kind === 'phase-started') begun.add(event.id);
      else if (event.kind !== 'phase-finished' && event.phase !== undefined) expect(begun).toContain(event.phase);
    }
    const command = events.find(
      ({ kind, command }) => kind === 'command-started' && String(command).includes('build_packages'),
    );
    expect(command).toMatchObject({ command: expect.arrayContaining(['./run_sdk_container', './build_packages']) });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'command-output', line: 'one: reused, its recipe did not change' }),
    );
  });

  test('bytes that are no text do not break the lines', async () => {
    const world = worlds.copyOf(built);
    withdrawPackages(world);
    world.behave('build_packages', 'garbage');
    const { exitCode, stderr } = await runStep(world, 'packages', ['amd64', '--json']);
    expect(exitCode).toBe(0);
    const lines = parseEvents(stderr).filter(({ kind }) => kind === 'command-output');
    expect(lines.map(({ line }) => line)).toContainEqual(expect.stringContaining('no line end'));
  });

  test('so are errors, those of the command line too', async () => {
    const [flag, arch] = await Promise.all([
      runStep(fresh, 'image', ['--json', '--plam']),
      runStep(fresh, 'image', ['mips', '--json']),
    ]);
    expect(parseEvents(flag.stderr)).toMatchObject([
      { kind: 'error', code: 'FLAG_UNKNOWN', data: { nearest: '--plan' } },
    ]);
    expect(parseEvents(arch.stderr)).toMatchObject([
      { kind: 'error', code: 'ARCH_UNKNOWN', data: { arch: 'mips', known: ['amd64'] } },
    ]);
    expect([flag.exitCode, arch.exitCode]).toEqual([2, 2]);
  });
});

describe('settings', () => {
  /** Where `image --plan` would publish. */
  const cacheOf = async (
    world: FixtureWorld,
    args: string[],
    env: Record<string, string | undefined>,
  ): Promise<string> => {
    const { stderr } = await runStep(world, 'image', ['amd64', '--plan', ...args], { env: { ...anyway, ...env } });
    return /would publish to \S+ on (\S+):/.exec(stderr)?.[1] ?? stderr;
  };

  test('a flag beats the environment, that the file in the tree, and that the default', async () => {
    const world = worlds.copyOf(built);
    const { folder } = world;
    // In the tree's file a relative path is against the file.
    world.write('ci-config.env', 'BUILDCACHE_DIR=../file-cache\n');
    world.write('other.env', 'BUILDCACHE_DIR=${HOME}/other-cache\n');
    const found = await Promise.all([
      cacheOf(world, ['--buildcache-dir', '/tmp/flag-cache'], {}),
      cacheOf(world, [], {}),
      cacheOf(world, [], { BUILDCACHE_DIR: undefined }),
      cacheOf(world, ['--config=other.env'], { BUILDCACHE_DIR: '' }),
      cacheOf(world, [`--config=${join(import.meta.dirname, '../../ci-config.env')}`], { BUILDCACHE_DIR: undefined }),
    ]);
    expect(found).toEqual([
      '/tmp/flag-cache',
      `${folder}/cache`,
      `${folder}/file-cache`,
      `${folder}/home/other-cache`,
      `${folder}/home/.cache/slipway/buildcache`,
    ]);
  });

  test('config show says every value and where it is from, and hides a password', async () => {
    const env = { BUILDCACHE_SERVER: 'cache.example.org', BUILDCACHE_URL: 'https://reader:s3cret@cache.example.org' };
    const { exitCode, stdout } = await runStep(fresh, 'config', ['show'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^BUILDCACHE_SERVER +cache\.example\.org +environment$/m);
    expect(stdout).toMatch(/^BUILDCACHE_USER +bincache +default$/m);
    expect(stdout).not.toContain('s3cret');
  });

  test('no output of a step has the password of the cache in it', async () => {
    const env = { BUILDCACHE_SERVER: '127.0.0.1', BUILDCACHE_URL: 'ftp://reader:s3cret@127.0.0.1' };
    const { exitCode, stdout, stderr } = await runStep(built, 'image', ['amd64', '--plan'], { env });
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toContain('s3cret');
  });
});

test('the nightly that found nothing changed leaves skip-build, and the next build takes it away', async () => {
  const world = worlds.copyOf(built);
  const { tag } = BUILD;
  const next = 'main-4889.0.0-nightly-20261121-2100';
  const unchanged = await runStep(world, 'packages', [next, 'amd64']);
  expect(unchanged).toMatchObject({
    exitCode: 0,
    result: { summary: { outcome: 'unchanged', tag }, outputs: [] },
  });
  expect(snapshotOf(world)).toHaveProperty('tree/skip-build');
  expect(world.takeCalls()).toEqual([]);
  expect(world.git('tag')).toBe(tag);
  const env = { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };
  const built2 = await runStep(world, 'packages_tag', [next], { env });
  expect(built2).toMatchObject({ exitCode: 0, result: { summary: { outcome: 'tagged', tag: next, branch: 'main' } } });
  expect(snapshotOf(world)).not.toHaveProperty('tree/skip-build');
}, 20_000);
