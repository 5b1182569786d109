import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { docker } from '../helpers/conformance-docker.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import type { StepWords } from '../helpers/conformance-step.ts';
import type { ConformanceWorld } from '../helpers/conformance-world.ts';
import { listTree } from '../helpers/temp-files.ts';
import { errorCode, mustRun, run } from './own-run.ts';

const stage = useStage();
const TAG = 'main-9001.0.0-x';
const VERSION = '9001.0.0+x';

/** What the cache has, but for logs and the statements on them. */
const artifacts = (world: ConformanceWorld): string[] =>
  listTree(world.cache).filter((path) => !/^(build-logs|provenance)\//.test(path));

const logs = (world: ConformanceWorld, name: string): string[] =>
  listTree(world.cache).filter((path) => path.startsWith(`build-logs/${VERSION}/${name}`) && path.endsWith('.tar.xz'));

/** Takes artifacts back, as an operator does: what is published does not change, also when it should not have been published. */
const unpublish = (world: ConformanceWorld, paths: readonly string[]): void => {
  for (const path of paths) rmSync(join(world.cache, path));
};

/** Each step, the entry point that is made to fail, whether its logs are published, and what it publishes in the end. */
const STEPS: readonly { words: StepWords; entryPoint: string; log?: string; last: string }[] = [
  {
    words: ['sdk_bootstrap', '8000.0.0', TAG],
    entryPoint: 'bootstrap_sdk',
    log: 'sdk-bootstrap-logs-amd64',
    last: `sdk/amd64/${VERSION}/flatcar-sdk-amd64-${VERSION}.tar.bz2`,
  },
  {
    words: ['sdk_container'],
    entryPoint: 'build_sdk_container_image',
    log: 'sdk-container-logs-amd64',
    last: 'containers/9001.0.0-x/flatcar-sdk-arm64-9001.0.0-x.tar.zst',
  },
  {
    words: ['packages', 'amd64'],
    entryPoint: 'build_packages',
    log: 'packages-amd64-logs',
    last: 'containers/9001.0.0-x/flatcar-packages-amd64-9001.0.0-x.id',
  },
  {
    words: ['image', 'amd64'],
    entryPoint: 'build_image',
    last: `images/amd64/${VERSION}/flatcar_production_image.bin.bz2`,
  },
  {
    words: ['vms', 'amd64', 'openstack'],
    entryPoint: 'image_to_vm.sh-openstack',
    last: `images/amd64/${VERSION}/flatcar_production_openstack_image.img.bz2`,
  },
  {
    words: ['push_pkgs', 'amd64'],
    entryPoint: 'build_dev_binpkgs',
    last: `boards/amd64-usr/${VERSION}/pkgs/dev-util/two-1.tbz2`,
  },
];

describe('a step whose entry point fails or leaves nothing', () => {
  test.each(STEPS)(
    '$words: ends with 1, publishes at most logs, and ends well when it is started again',
    async (step) => {
      const { words, entryPoint, log, last } = step;
      const isFirst = words[0] === 'sdk_bootstrap';
      const world = isFirst ? stage.open() : stage.current();
      if (isFirst) world.offerSdk('all', '8000.0.0');
      // The link of vms is made whatever the formats do.
      const before = artifacts(world).filter((path) => !path.includes('brightbox'));
      for (const how of ['fail 3', 'nothing']) {
        const logsBefore = log ? logs(world, log).length : 0;
        world.behave(entryPoint, how);
        const end = await run(world, words);
        // An empty SDK image is nothing that this step could know of; the entry point said that all is well.
        if (how === 'nothing' && end.exitCode === 0) {
          const published = artifacts(world).filter((path) => !before.includes(path));
          unpublish(world, published);
          continue;
        }
        expect([how, end.exitCode]).toEqual([how, 1]);
        expect(artifacts(world).filter((path) => !path.includes('brightbox'))).toEqual(before);
        // The name has the second in it, so a quick second attempt may take the place of the first.
        if (log && how === 'fail 3') expect(logs(world, log).length).toBe(logsBefore + 1);
      }
      world.behave(entryPoint, undefined);
      await mustRun(world, words);
      expect(artifacts(world)).toContain(last);
      // And once more, with everything there: the same joins, and a container image that is another one is refused.
      const published = artifacts(world);
      const again = await run(world, words);
      const makesImage = ['sdk_container', 'packages'].includes(words[0] ?? '');
      if (again.exitCode !== 0) expect([makesImage, errorCode(again)]).toEqual([true, 'CACHE_VERSION_DIFFERS']);
      expect(artifacts(world)).toEqual(published);
    },
    120_000,
  );
});

describe('a step without what it needs', () => {
  test('says what is missing and ends with 1', async () => {
    const world = stage.open();
    const steps: StepWords[] = [
      ['sdk_bootstrap', '7000.0.0', TAG],
      ['sdk_container'],
      ['packages', 'amd64'],
      ['image', 'amd64'],
      ['vms', 'amd64', 'azure'],
      ['push_pkgs', 'amd64'],
    ];
    for (const words of steps) {
      const end = await run(world, words);
      expect([words[0], end.exitCode]).toEqual([words[0], 1]);
      expect(errorCode(end)).toMatch(/MISSING|NOT_FOUND|COMMAND_FAILED/);
      expect(end.stderr).toMatch(/flatcar-(sdk|packages)|flatcar_production/);
    }
    expect(artifacts(world)).toEqual([]);
  }, 60_000);

  test('vms without the generic image names it', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-y']);
    await mustRun(world, ['packages', 'amd64']);
    const end = await run(world, ['vms', 'amd64', 'azure']);
    expect([end.exitCode, errorCode(end)]).toEqual([1, 'CACHE_ARTIFACT_MISSING']);
    expect(end.stderr).toContain('images/amd64/9000.1.0+y/');
  }, 60_000);
});

describe('packages after a failed attempt', () => {
  const name = 'flatcar-packages-amd64-9000.1.0-u';
  const containerId = (): string => docker('container', 'inspect', '--format', '{{.Id}}', name).trim();

  test('goes on in its container, with what was built', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-u']);
    world.behave('build_packages', 'fail');
    await run(world, ['packages', 'amd64']);
    const first = containerId();
    world.behave('build_packages', undefined);
    const { stderr } = await mustRun(world, ['packages', 'amd64']);
    expect(stderr).toContain(`Going on in the container ${name}`);
    expect(containerId()).toBe(first);
  }, 60_000);

  test('begins anew when the container is of another checkout', async () => {
    const world = stage.current();
    docker('container', 'rm', '--force', name);
    const image = 'ghcr.io/flatcar/flatcar-sdk-amd64:9000.0.0';
    docker('container', 'create', '--name', name, image, '/bin/true');
    const foreign = containerId();
    const published = artifacts(world).filter((path) => path.includes('flatcar-packages-'));
    unpublish(world, published);
    const { stderr } = await mustRun(world, ['packages', 'amd64']);
    expect(stderr).not.toContain('Going on in');
    expect(containerId()).not.toBe(foreign);
  }, 60_000);
});

describe('push_pkgs', () => {
  test('without the folder of the packages publishes nothing, least of all something else (defect 18)', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-w']);
    for (const entryPoint of ['build_packages', 'build_dev_binpkgs']) world.behave(entryPoint, 'nothing');
    await mustRun(world, ['packages', 'amd64']);
    const end = await run(world, ['push_pkgs', 'amd64']);
    expect([end.exitCode, errorCode(end)]).toEqual([1, 'COMMAND_FAILED']);
    expect(artifacts(world).filter((path) => path.startsWith('boards/'))).toEqual([]);
  }, 60_000);
});

describe('a checkout with several tags (defect 20)', () => {
  test('is of the channel whose version is in the version file, and stays readable', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-v']);
    for (const tag of ['beta-9000.1.0', 'stable-9000.1.0-other']) world.git('tag', tag);
    for (const step of ['packages', 'image', 'push_pkgs']) await mustRun(world, [step, 'amd64']);
    const calls = world.read('calls').split('\n');
    expect(calls.filter((line) => line.includes('./build_image')).join()).toContain('--group=alpha');
    expect(calls.filter((line) => line.includes('./build_dev_binpkgs')).join()).toContain('-v 9000.1.0+v');
    expect(world.read('tree/sdk_container/.repo/manifests/version.txt')).toMatch(
      /^FLATCAR_VERSION=9000\.1\.0\+v\nFLATCAR_VERSION_ID=9000\.1\.0\n/,
    );
  }, 60_000);
});

describe('one format of several that is killed', () => {
  test('does not take the others with it, and is named', async () => {
    const world = stage.open();
    world.offerSdk('amd64', '9000.0.0');
    await mustRun(world, ['packages_tag', 'alpha-9000.1.0-z']);
    for (const step of ['packages', 'image']) await mustRun(world, [step, 'amd64']);
    world.behave('image_to_vm.sh-azure', 'die');
    const end = await run(world, ['vms', 'amd64', 'azure', 'kubevirt', 'hyperv']);
    expect([end.exitCode, errorCode(end)]).toEqual([1, 'FORMATS_FAILED']);
    const there = artifacts(world).join('\n');
    expect(there).toContain('flatcar_production_kubevirt_image.img');
    expect(there).toContain('flatcar_production_hyperv_image.img.zip');
    expect(there).not.toContain('flatcar_production_azure');
  }, 60_000);
});

describe('a step that is killed in the middle', () => {
  const kill = async (world: ConformanceWorld, words: StepWords, entryPoint: string): Promise<void> => {
    const [name, ...args] = words;
    world.write('hanging', '');
    world.behave(entryPoint, 'hang');
    const step = world.start('slipway', name, args);
    await step.until(() => world.read('hanging') !== '');
    process.kill(step.pid, 'SIGKILL');
    expect((await step.done).exitCode).toBeUndefined();
    world.behave(entryPoint, undefined);
  };

  test('can be started again in the same workspace, though what it started is still there', async () => {
    const world = stage.open();
    world.offerSdk('all', '8000.0.0');
    for (const { words, entryPoint, last } of STEPS) {
      // It hangs in a command of this machine, which no step knows of.
      if (words[0] !== 'sdk_container') await kill(world, words, entryPoint);
      await mustRun(world, words);
      expect(artifacts(world)).toContain(last);
    }
  }, 120_000);
});
