import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { makeOwnName } from '../../lib/process/process-identity.ts';
import { killProcessesOf, leftoversOf } from '../helpers/fixture-leftovers.ts';
import { argumentsOf, BUILD, buildStages, type PipelineStep, type Stages } from '../helpers/fixture-pipeline.ts';
import { mustRun, type RunningStep, startStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';

const { tag, cacheForm, dockerForm } = BUILD;

const worlds = useWorlds();
let worldBefore: Stages;
let keys: Record<string, string>;

beforeAll(async () => {
  const world = worlds.fresh();
  mkdirSync(join(world.folder, 'keys'));
  const key = makeTestKey({ folder: join(world.folder, 'keys'), name: 'Builder' });
  keys = { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, TRUSTED_KEYS: key.publicKeyFile };
  worldBefore = await buildStages(worlds, world, { env: keys });
}, 60_000);

/** Waits for a stand-in that hangs. */
const untilHanging = (world: FixtureWorld, running: RunningStep): Promise<void> =>
  running.until(() => world.read('hanging').endsWith('\n'));

const HOOK = '#!/bin/sh\n. "$FIXTURE_DIR/tree/fixture_lib/stand-in.sh"\nbehave hook\n';

const hangInHook = (world: FixtureWorld, file: string): void => {
  mkdirSync(join(world.folder, file, '..'), { recursive: true });
  writeFileSync(join(world.folder, file), HOOK, { mode: 0o755 });
  world.behave('hook', 'hang');
};

/** Holds the lock under which a set is renamed into a folder of the cache, like another publisher that takes its time. */
const holdPublishLock = (world: FixtureWorld, folder: string): (() => void) => {
  const lock = join(world.cache, '.staging', `lock-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, makeOwnName()), '');
  return () => rmSync(lock, { recursive: true });
};

interface Phase {
  readonly name: string;
  readonly step: PipelineStep;
  readonly signal: 'SIGINT' | 'SIGTERM';
  /** Makes the step hang there. */
  readonly arrange: (world: FixtureWorld) => void;
  /** Nothing was opened yet, so that there is no result file. */
  readonly isEarly?: boolean;
}

const hang =
  (...names: string[]) =>
  (world: FixtureWorld): void => {
    for (const name of names) world.behave(name, 'hang');
  };

const phases: Phase[] = [
  {
    name: 'while it looks for the engine',
    step: 'image',
    signal: 'SIGINT',
    arrange: hang('engine-info'),
    isEarly: true,
  },
  {
    name: 'while it looks for the engine',
    step: 'image',
    signal: 'SIGTERM',
    arrange: hang('engine-info'),
    isEarly: true,
  },
  {
    name: 'while the version is committed',
    step: 'sdk_bootstrap',
    signal: 'SIGINT',
    arrange: (world) => hangInHook(world, 'tree/.git/hooks/pre-commit'),
  },
  {
    name: 'while the tag is pushed',
    step: 'sdk_bootstrap',
    signal: 'SIGTERM',
    arrange: (world) => hangInHook(world, 'origin.git/hooks/pre-receive'),
  },
  { name: 'while the SDK is built', step: 'sdk_bootstrap', signal: 'SIGINT', arrange: hang('bootstrap_sdk_container') },
  {
    name: 'while the SDK images are made',
    step: 'sdk_container',
    signal: 'SIGTERM',
    arrange: hang('build_sdk_container_image'),
  },
  {
    name: 'while images are saved for publishing',
    step: 'sdk_container',
    signal: 'SIGINT',
    arrange: hang('engine-save'),
  },
  {
    name: 'while an image is loaded',
    step: 'packages',
    signal: 'SIGTERM',
    arrange(world) {
      rmSync(join(world.folder, 'engine/images', `skiff-sdk-amd64:${dockerForm}`));
      world.behave('engine-load', 'hang');
    },
  },
  { name: 'while packages are built', step: 'packages', signal: 'SIGINT', arrange: hang('build_packages') },
  { name: 'while the container is committed', step: 'packages', signal: 'SIGTERM', arrange: hang('engine-commit') },
  { name: 'while the image is built', step: 'image', signal: 'SIGTERM', arrange: hang('build_image') },
  {
    name: 'while formats are made',
    step: 'vms',
    signal: 'SIGINT',
    arrange: hang('image_to_vm.sh-qemu', 'image_to_vm.sh-azure'),
  },
];

/** How a step must look that was interrupted. */
const expectInterrupted = async (
  running: RunningStep,
  { signal, isEarly = false }: Pick<Phase, 'signal' | 'isEarly'>,
) => {
  const exitCode = { SIGINT: 130, SIGTERM: 143 }[signal];
  running.signal(signal);
  const end = await running.done;
  expect({ exitCode: end.exitCode, log: end.stderr }).toEqual({
    exitCode,
    log: expect.stringContaining(`error INTERRUPTED: Interrupted by ${signal}.`),
  });
  expect(end.stderr).not.toMatch(/warning|BUG|COMMAND_FAILED/);
  if (isEarly) expect(end.stdout).toBe('');
  else expect(end.result).toMatchObject({ outcome: 'interrupted', exitCode, error: { code: 'INTERRUPTED' } });
  // Logs and binary packages, at most.
  const published = end.result?.outputs.map(({ path }) => path.split('/')[0]) ?? [];
  expect(published.filter((folder) => folder !== 'build-logs' && folder !== 'boards')).toEqual([]);
};

describe('a signal', () => {
  test.each(phases)(
    '$name ($step, $signal): all is freed, and the step can be run again',
    async (phase) => {
      const world = worldBefore(phase.step);
      const head = world.git('rev-parse', 'HEAD');
      phase.arrange(world);
      const running = startStep(world, phase.step, argumentsOf(phase.step), { env: keys });
      await untilHanging(world, running);
      await expectInterrupted(running, phase);
      expect(leftoversOf(world)).toEqual([]);
      if (phase.name.includes('version') || phase.name.includes('pushed')) {
        expect([world.git('rev-parse', 'HEAD'), world.git('tag'), world.git('status', '--porcelain')]).toEqual([
          head,
          '',
          '',
        ]);
        expect(world.git('ls-remote', '--tags', 'origin')).toBe('');
      }
      rmSync(join(world.folder, 'behave'), { recursive: true });
      const { result } = await mustRun(world, phase.step, argumentsOf(phase.step), { env: keys });
      expect(result?.outputs.length).toBeGreaterThan(0);
      expect(world.git('ls-remote', '--tags', 'origin')).toContain(tag);
    },
    20_000,
  );

  test('while files are published (image, SIGTERM): nothing of the set appears and nothing is left in the staging folder', async () => {
    const world = worldBefore('image');
    const folder = `images/amd64/${cacheForm}`;
    const release = holdPublishLock(world, folder);
    const running = startStep(world, 'image', ['amd64'], { env: keys });
    await running.until(() => leftoversOf(world).some((what) => what.startsWith('staging claim-')));
    await expectInterrupted(running, { signal: 'SIGTERM' });
    release();
    expect(leftoversOf(world)).toEqual([]);
    expect(world.read(`cache/${folder}/version.txt`)).toBe('');
    await mustRun(world, 'image', ['amd64'], { env: keys });
    expect(world.read(`cache/${folder}/version.txt`)).toContain(cacheForm);
  }, 20_000);

  test('that comes twice is taken once', async () => {
    const world = worldBefore('packages');
    world.behave('build_packages', 'hang');
    const running = startStep(world, 'packages', ['amd64']);
    await untilHanging(world, running);
    running.signal('SIGINT');
    await expectInterrupted(running, { signal: 'SIGINT' });
    expect(leftoversOf(world)).toEqual([]);
  });
});

describe('a step that is killed with SIGKILL', () => {
  /** Kills the step while a stand-in hangs; what it had started goes on, as it does in life. */
  const kill = async (world: FixtureWorld, step: PipelineStep): Promise<void> => {
    rmSync(join(world.folder, 'hanging'), { force: true });
    const running = startStep(world, step, argumentsOf(step), { env: keys });
    await untilHanging(world, running);
    running.signal('SIGKILL');
    await running.done;
    killProcessesOf(world);
  };

  const kills: { step: PipelineStep; stands: string }[] = [
    { step: 'sdk_bootstrap', stands: 'bootstrap_sdk_container' },
    { step: 'packages', stands: 'build_packages' },
    { step: 'image', stands: 'build_image' },
    { step: 'vms', stands: 'image_to_vm.sh-azure' },
  ];
  test.each(kills)(
    '$step can be run again, and frees what was left',
    async ({ step, stands }) => {
      const world = worldBefore(step);
      world.behave(stands, 'hang');
      await kill(world, step);
      await kill(world, step);
      world.behave(stands, undefined);
      const { result } = await mustRun(world, step, argumentsOf(step), { env: keys });
      expect(result?.outputs.length).toBeGreaterThan(0);
      expect(leftoversOf(world).filter((what) => !what.startsWith('container'))).toEqual([]);
    },
    20_000,
  );

  test('while it publishes, leaves nothing of the set visible', async () => {
    const world = worldBefore('image');
    const folder = `images/amd64/${cacheForm}`;
    const release = holdPublishLock(world, folder);
    const running = startStep(world, 'image', ['amd64']);
    await running.until(() => leftoversOf(world).some((what) => what.startsWith('staging claim-')));
    running.signal('SIGKILL');
    await running.done;
    release();
    expect(world.read(`cache/${folder}/version.txt`)).toBe('');
    await mustRun(world, 'image', ['amd64']);
    expect(leftoversOf(world).filter((what) => !what.startsWith('container'))).toEqual([]);
  }, 20_000);
});
