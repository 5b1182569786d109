import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { argumentsOf, BUILD, buildStages, type PipelineStep, type Stages } from '../helpers/fixture-pipeline.ts';
import { errorIn, mustRun, runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';

const { tag, cacheForm, dockerForm } = BUILD;

const worlds = useWorlds();
let worldBefore: Stages;

beforeAll(async () => {
  worldBefore = await buildStages(worlds, worlds.fresh());
}, 60_000);

/** Runs the step of the pipeline with a stand-in that misbehaves. */
const runWith = async (
  step: PipelineStep,
  stands: string,
  how: string,
): Promise<{ world: FixtureWorld; end: StepEnd }> => {
  const world = worldBefore(step);
  world.behave(stands, how);
  return { world, end: await runStep(world, step, argumentsOf(step)) };
};

const pathsIn = ({ result }: StepEnd): string[] => result?.outputs.map(({ path }) => path) ?? [];

/** Names in a published log tarball. */
const namesInTarball = (world: FixtureWorld, path = ''): string[] =>
  execFileSync('tar', ['-tf', join(world.cache, path)], { encoding: 'utf8' })
    .trim()
    .split('\n');

describe('a build that fails', () => {
  test('ends with 1; the error has the last lines of the command and how to run it again', async () => {
    const { world, end } = await runWith('packages', 'build_packages', 'fail 7');
    expect(end.exitCode).toBe(1);
    const text = errorIn(end);
    expect(text).toMatch(/^error COMMAND_FAILED: \.\/run_sdk_container ended with exit code 7\.\n/);
    expect(text).toContain('build_packages: the test wants this to fail\n  build_packages: giving up\n');
    expect(end.result).toMatchObject({ outcome: 'failed', exitCode: 1, error: { code: 'COMMAND_FAILED' } });
    expect(end.stderr).toMatch(/\n=== packages: failed in .*\n$/);
    expect(text).toMatch(/\n {2}To run the step again: cd \S+\/tree && \S+\/ci-automation\/packages\.ts amd64$/);

    // The line can be pasted as it is.
    const again = /To run it again: (.*)/.exec(text)?.[1] ?? '';
    world.behave('build_packages', undefined);
    const output = execFileSync('sh', ['-c', again], { env: world.env, encoding: 'utf8', cwd: '/' });
    expect(output).toContain('one: building');
  });

  test('has its logs published, and the container is kept for looking into', async () => {
    const { world, end } = await runWith('packages', 'build_packages', 'fail');
    const logs = pathsIn(end).filter((path) => path.startsWith(`build-logs/${cacheForm}/packages-amd64-logs-`));
    expect(logs).toHaveLength(1);
    expect(namesInTarball(world, logs[0])).toEqual(['packages/', 'packages/one.log']);
    expect(pathsIn(end).filter((path) => path.startsWith('containers/'))).toEqual([]);
    expect(leftoversOf(world)).toEqual([`container skiff-packages-amd64-${dockerForm}`]);
    expect(world.read('tree/ci-cleanup.sh')).toContain(`container rm -f 'skiff-packages-amd64-${dockerForm}'`);
  });

  test('can be run again in place', async () => {
    const { world } = await runWith('packages', 'build_packages', 'fail');
    world.behave('build_packages', undefined);
    expect(pathsIn(await mustRun(world, 'packages', ['amd64']))).toContain(
      `containers/${dockerForm}/skiff-packages-amd64-${dockerForm}.id`,
    );
  });

  const logged: { step: PipelineStep; stands: string; logs: string }[] = [
    { step: 'sdk_bootstrap', stands: 'bootstrap_sdk_container', logs: 'bootstrap.log' },
    { step: 'sdk_container', stands: 'build_sdk_container_image', logs: 'images.log' },
  ];
  test.each(logged)('$step publishes its logs as well, and can be run again', async ({ step, stands, logs }) => {
    const { world, end } = await runWith(step, stands, 'fail');
    expect(end.exitCode).toBe(1);
    expect(errorIn(end)).toContain(`${stands}: giving up`);
    expect(pathsIn(end)).toEqual([
      expect.stringMatching(new RegExp(`^build-logs/${cacheForm.replace('+', '\\+')}/sdk-.*\\.tar\\.xz$`)),
    ]);
    expect(namesInTarball(world, pathsIn(end)[0])).toEqual([logs]);
    world.behave(stands, undefined);
    const again = await mustRun(world, step, argumentsOf(step));
    expect(pathsIn(again).length).toBeGreaterThan(1);
    if (step === 'sdk_bootstrap') expect(again.result?.summary).toMatchObject({ version: tag });
  });

  test('is what the error is about, even if nothing can be published', async () => {
    const world = worldBefore('packages');
    for (const name of ['boards', 'build-logs']) {
      rmSync(join(world.cache, name), { recursive: true, force: true });
      writeFileSync(join(world.cache, name), 'in the way');
    }
    mkdirSync(join(world.tree, '__build__/binpkgs'), { recursive: true });
    writeFileSync(join(world.tree, '__build__/binpkgs/index.json'), '[]');
    world.behave('build_packages', 'fail');
    const end = await runStep(world, 'packages', ['amd64']);
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('warning: The binary packages could not be published');
    expect(end.stderr).toMatch(/warning: The logs in .* could not be published/);
    expect(end.result?.error?.message).toBe('./run_sdk_container ended with exit code 1.');
  });

  test.each([
    {
      step: 'sdk_bootstrap',
      stands: 'bootstrap_sdk_container',
      says: 'bootstrap_sdk_container ended with signal SIGKILL',
    },
    { step: 'image', stands: 'build_image', says: 'run_sdk_container ended with exit code 137' },
  ] as const)('$step says that its command was killed', async ({ step, stands, says }) => {
    const { world, end } = await runWith(step, stands, 'die');
    expect(end.exitCode).toBe(1);
    expect(errorIn(end)).toContain(says);
    expect(leftoversOf(world).filter((what) => !what.startsWith('container'))).toEqual([]);
  });
});

describe('an entry point that does not keep its contract', () => {
  test('no SDK tarball: named with the place where it should be', async () => {
    const { world, end } = await runWith('sdk_bootstrap', 'bootstrap_sdk_container', 'nothing');
    expect(end.exitCode).toBe(1);
    const file = `${world.tree}/__build__/images/sdk/skiff-sdk-amd64-${cacheForm}.tar.zst`;
    expect(errorIn(end)).toContain(`bootstrap_sdk_container ended well but left no SDK tarball at ${file}`);
  });

  test('no image', async () => {
    const { world, end } = await runWith('image', 'build_image', 'nothing');
    expect(end.exitCode).toBe(1);
    expect(pathsIn(end)).toEqual([]);
    expect(world.read(`cache/images/amd64/${cacheForm}/version.txt`)).toBe('');
  });

  test('an image archive that the engine does not take is not published as one that it does', async () => {
    const { world, end } = await runWith('packages', 'engine-save', 'fail');
    expect(end.exitCode).toBe(1);
    expect(errorIn(end)).toContain('engine-save: giving up');
    expect(world.read(`cache/containers/${dockerForm}/skiff-packages-amd64-${dockerForm}.id`)).toBe('');
    expect(leftoversOf(world)).toEqual([`container skiff-packages-amd64-${dockerForm}`]);
  });
});

describe('vms', () => {
  const formats = ['qemu', 'azure', 'gce'];

  test('a format that fails does not stop the others: they are published, and exit is 1', async () => {
    const world = worldBefore('vms');
    world.behave('image_to_vm.sh-azure', 'fail 4');
    const end = await runStep(world, 'vms', ['amd64', ...formats]);
    expect(end.exitCode).toBe(1);
    const text = errorIn(end);
    expect(text).toContain('error FORMATS_FAILED: 1 of 3 formats failed: azure.');
    expect(text).toContain('azure: ./run_sdk_container ended with exit code 4.');
    expect(text).toContain('Made and published: qemu, gce');
    expect(text).toContain('giving up');
    expect(text).toMatch(/To run it again: cd \S+ && \.\/run_sdk_container .* --format azure /);
    const names = ['gce', 'qemu'].map((format) => `images/amd64/${cacheForm}/skiff_production_${format}_image.img`);
    expect(pathsIn(end)).toEqual(names);
    expect(end.result).toMatchObject({ outcome: 'failed', error: { code: 'FORMATS_FAILED' } });

    world.behave('image_to_vm.sh-azure', undefined);
    world.takeCalls();
    const again = await mustRun(world, 'vms', ['amd64', ...formats]);
    expect(pathsIn(again)).toHaveLength(3);
    // Only the one that is missing is made.
    expect(again.stderr).toContain('Published already, and not made again: qemu, gce');
    const made = world.takeCalls().flatMap((call) => call.slice(call.indexOf('--format')).slice(1, 2));
    expect(made.filter((word) => formats.includes(word))).toEqual(['azure']);
  });

  test('when all fail, none is published', async () => {
    const world = worldBefore('vms');
    for (const format of formats) world.behave(`image_to_vm.sh-${format}`, 'fail');
    const end = await runStep(world, 'vms', ['amd64', ...formats]);
    expect(end.exitCode).toBe(1);
    expect(errorIn(end)).toContain('3 of 3 formats failed: qemu, azure, gce.');
    expect(errorIn(end)).toContain('None was made.');
    expect(pathsIn(end)).toEqual([]);
  });

  test('what is still going on when one part fails is waited for', async () => {
    const world = worldBefore('vms');
    rmSync(join(world.folder, 'engine/images', `skiff-packages-amd64:${dockerForm}`));
    rmSync(join(world.cache, `images/amd64/${cacheForm}`), { recursive: true });
    world.behave('engine-load', 'slow');
    const end = await runStep(world, 'vms', ['amd64', 'qemu']);
    expect(end.exitCode).toBe(1);
    expect(errorIn(end)).toContain('error CACHE_ARTIFACT_MISSING');
    expect(readFileSync(join(world.folder, 'engine/images', `skiff-packages-amd64:${dockerForm}`), 'utf8')).toMatch(
      /^\w{64}\n$/,
    );
    expect(end.stderr).toMatch(/\n=== vms: failed in .*\n$/);
  });
});

test('a version file that the making of the SDK images left unreadable is written back (defect 20)', async () => {
  const world = worldBefore('sdk_container');
  const script = join(world.tree, 'build_sdk_container_image');
  const file = 'sdk_container/.repo/manifests/version.txt';
  const before = world.read(`tree/${file}`);
  const spoil = `printf 'SKIFF_VERSION=1.2.3\\n4.5.6\\n' >${file}\n`;
  writeFileSync(script, `${readFileSync(script, 'utf8')}${spoil}`);
  const end = await mustRun(world, 'sdk_container', []);
  expect(end.stderr).toContain('It is written back as it was.');
  expect(world.read(`tree/${file}`)).toBe(before);
});

test.each([
  ['sdk_bootstrap', ['1.0.0', 'main-1.2.3-tagging']],
  ['packages', ['main-1.2.4-tagging', 'amd64']],
])('%s that stops after tagging needs no container engine', async (step, args) => {
  const world = worlds.fresh();
  const env = { docker: '/no/such/engine' };
  const end = await runStep(world, step, args, { env: { ...env, CIA_DEBUGTESTRUN: 'x' } });
  expect(end.exitCode).toBe(0);
  expect(world.git('ls-remote', 'origin', 'refs/tags/*')).toContain('-tagging');
  const other = worlds.fresh();
  const whole = await runStep(other, step, args, { env });
  expect([whole.exitCode, other.git('tag')]).toEqual([expect.any(Number), '']);
  expect(errorIn(whole)).toContain('ENGINE_MISSING');
});

test.each(['image', 'vms'] as const)(
  '%s removes what a killed attempt left only after that has been ended',
  async (step) => {
    const world = worldBefore(step);
    mkdirSync(
      join(
        world.folder,
        'engine/containers',
        `skiff-${step === 'image' ? 'images' : 'vms'}-amd64-${dockerForm}`,
        'root',
      ),
      {
        recursive: true,
      },
    );
    // What still runs in there writes until the very end.
    const late = join(world.tree, '__build__/images/images/amd64-usr/late');
    const engine = join(world.folder, 'busy-engine.sh');
    const write = `mkdir -p '${dirname(late)}' && echo late >'${late}'`;
    writeFileSync(
      engine,
      `#!/bin/sh\n[ "$1 $2" != 'container rm' ] || { ${write}; }\nexec '${world.env.docker}' "$@"\n`,
      {
        mode: 0o755,
      },
    );
    await mustRun(world, step, argumentsOf(step), { env: { docker: engine } });
    expect(existsSync(late)).toBe(false);
  },
);
