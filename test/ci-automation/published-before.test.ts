import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { argumentsOf, BUILD, PIPELINE, type PipelineStep } from '../helpers/fixture-pipeline.ts';
import { mustRun, runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree } from '../helpers/temp-files.ts';

/**
 * Every step is run again after the version is published. Each test starts many programs, and on a busy machine each of them takes seconds.
 */
const PATIENT_MS = 120_000;

const { tag, cacheForm, dockerForm } = BUILD;
const worlds = useWorlds();
const makeTemp = useTempFolders();
const STEPS = PIPELINE.map(([step]) => step);

let published: FixtureWorld;
let keys: Record<string, string>;
const firstRuns = new Map<PipelineStep, StepEnd>();

beforeAll(async () => {
  const folder = makeTemp();
  const key = makeTestKey({ folder, name: 'Builder' });
  keys = { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, TRUSTED_KEYS: key.publicKeyFile };
  published = worlds.fresh();
  for (const step of STEPS) firstRuns.set(step, await mustRun(published, step, argumentsOf(step), { env: keys }));
  published.removeContainers();
  published.takeCalls();
}, PATIENT_MS);

const again = (world: FixtureWorld, step: PipelineStep, env: Record<string, string> = {}): Promise<StepEnd> =>
  runStep(world, step, argumentsOf(step), { env: { ...keys, ...env } });

/** Entry points of the tree that were called. */
const calledIn = (world: FixtureWorld): string[] => world.takeCalls().map(([name = '']) => name);

const pathsOf = ({ result }: StepEnd): string[] => result?.outputs.map(({ path }) => path).sort() ?? [];

/** What a version consists of: logs and what all versions share are not. */
const ofVersion = (paths: readonly string[]): string[] =>
  paths.filter((path) => !/^(build-logs|boards)\//.test(path)).sort();

const removeMatching = (world: FixtureWorld, folder: string, name: RegExp): void => {
  const full = join(world.cache, folder);
  const names = readdirSync(full).filter((one) => name.test(one));
  expect(names.length).toBeGreaterThan(0);
  for (const one of names) rmSync(join(full, one));
};

const idOf = (world: FixtureWorld, image: string): string =>
  readFileSync(join(world.cache, `containers/${dockerForm}/${image}-${dockerForm}.id`), 'utf8');

describe('a step whose version is published', () => {
  test(
    'says so, builds nothing, changes nothing and ends with 0; the result has what is there',
    async () => {
      const world = worlds.copyOf(published);
      const before = listTree(world.cache);
      // Of a nightly that is all there, sdk_bootstrap says as ever that nothing changed since it.
      for (const step of STEPS.slice(1)) {
        const end = await again(world, step);
        expect({ step, exitCode: end.exitCode, calls: calledIn(world) }).toEqual({ step, exitCode: 0, calls: [] });
        expect(end.stderr).toMatch(new RegExp(`${step}: \\S+ is published already, from this very commit`));
        expect(end.result).toMatchObject({ outcome: 'done', summary: { outcome: 'published already' } });
        const first = firstRuns.get(step);
        expect(pathsOf(end)).toEqual(ofVersion(first ? pathsOf(first) : []));
        const records = end.result?.outputs ?? [];
        expect(first?.result?.outputs).toEqual(expect.arrayContaining([...records]));
      }
      expect(listTree(world.cache)).toEqual(before);
    },
    PATIENT_MS,
  );

  test(
    'plans nothing',
    async () => {
      const world = worlds.copyOf(published);
      for (const step of ['sdk_container', 'packages', 'image', 'vms'] as const) {
        const { exitCode, stderr } = await runStep(world, step, ['--plan', ...argumentsOf(step)], { env: keys });
        expect(exitCode).toBe(0);
        expect(stderr).toContain('is published already');
        expect(stderr).not.toMatch(/^would /m);
      }
    },
    PATIENT_MS,
  );

  test(
    'builds all the same when the checkout has a change, when the commit is another, when the statement is not signed by a trusted key, and when it is told to',
    async () => {
      const dirty = worlds.copyOf(published);
      writeFileSync(join(dirty.tree, 'build_packages'), `${dirty.read('tree/build_packages')}\n# changed\n`);
      const committed = worlds.copyOf(published);
      committed.git(
        '-c',
        'user.name=A',
        '-c',
        'user.email=a@example.org',
        'commit',
        '-q',
        '--allow-empty',
        '-m',
        'More',
      );
      const stranger = makeTestKey({ folder: makeTemp(), name: 'Stranger' });
      const told = worlds.copyOf(published);
      const untrusted = worlds.copyOf(published);
      const others = { TRUSTED_KEYS: stranger.publicKeyFile };
      const [d, c, t, u] = await Promise.all([
        again(dirty, 'packages'),
        again(committed, 'packages'),
        again(told, 'packages', { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' }),
        again(untrusted, 'packages', others),
      ]);
      for (const end of [d, c, t]) {
        expect([end.exitCode, end.result?.error?.code]).toEqual([1, 'CACHE_VERSION_DIFFERS']);
      }
      expect(calledIn(dirty)).not.toEqual([]);
      expect(c.stderr).toContain(`${cacheForm} was published before, from another commit`);
      // Its inputs are not signed by that key either.
      expect({ exitCode: u.exitCode, log: u.stderr }).toMatchObject({ exitCode: 3 });
    },
    PATIENT_MS,
  );

  test(
    'without a statement: of container images and the tarball the tag says enough, and a commit after it does not',
    async () => {
      const world = worlds.copyOf(published);
      rmSync(join(world.cache, 'provenance'), { recursive: true });
      rmSync(join(world.cache, 'images'), { recursive: true });
      for (const step of ['sdk_bootstrap', 'sdk_container', 'packages'] as const) {
        // Of a tarball only a download could tell whether it is signed by the right key.
        const end = await again(world, step, step === 'sdk_bootstrap' ? { TRUSTED_KEYS: '' } : {});
        expect({ step, exitCode: end.exitCode, calls: calledIn(world) }).toEqual({ step, exitCode: 0, calls: [] });
        expect(end.result).toMatchObject({ outputs: [], summary: { outcome: 'published already' } });
      }
      world.git('-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '-q', '--allow-empty', '-m', 'More');
      const later = await again(world, 'packages');
      expect([later.exitCode, later.result?.error?.code]).toEqual([1, 'CACHE_VERSION_DIFFERS']);
    },
    PATIENT_MS,
  );
});

describe('a set that was not finished', () => {
  test(
    'of SDK images: what is published stays, the rest is made and published',
    async () => {
      const world = worlds.copyOf(published);
      const kept = ['all', 'arm64'].map((flavour) => idOf(world, `skiff-sdk-${flavour}`));
      removeMatching(world, `containers/${dockerForm}`, /^skiff-sdk-amd64-/);
      const end = await again(world, 'sdk_container');
      expect(end.exitCode).toBe(0);
      expect(calledIn(world)).toContain('build_sdk_container_image');
      expect(end.stderr).toContain(`skiff-sdk-all:${dockerForm} is published already and stays as it is.`);
      expect(['all', 'arm64'].map((flavour) => idOf(world, `skiff-sdk-${flavour}`))).toEqual(kept);
      expect(idOf(world, 'skiff-sdk-amd64')).toMatch(/^[0-9a-f]{64}\n$/);
      // Both runs together state all of it.
      expect(calledIn(world)).toEqual([]);
      const third = await again(world, 'sdk_container');
      expect([third.exitCode, calledIn(world), third.result?.outputs.length]).toEqual([0, [], 6]);
    },
    PATIENT_MS,
  );

  test(
    'without the file that says that it is whole, or with one of another content, is made again',
    async () => {
      const noId = worlds.copyOf(published);
      removeMatching(noId, `containers/${dockerForm}`, /^skiff-packages-.*\.id/);
      const other = worlds.copyOf(published);
      const digests = join(other.cache, `images/amd64/${cacheForm}/version.txt.DIGESTS`);
      writeFileSync(digests, readFileSync(digests, 'utf8').replace(/[0-9a-f]{128}/, 'a'.repeat(128)));
      const [packages, image] = await Promise.all([again(noId, 'packages'), again(other, 'image')]);
      expect(packages.exitCode).toBe(0);
      expect(calledIn(noId)).not.toEqual([]);
      expect(idOf(noId, 'skiff-packages-amd64')).toMatch(/^[0-9a-f]{64}\n$/);
      expect(calledIn(other)).not.toEqual([]);
      expect([image.exitCode, image.result?.error?.code]).toEqual([1, 'CACHE_VERSION_DIFFERS']);
    },
    PATIENT_MS,
  );

  test(
    'of vendor images: only the formats that are missing are made',
    async () => {
      const world = worlds.copyOf(published);
      const end = await runStep(world, 'vms', ['amd64', 'azure', 'gce', 'qemu'], { env: keys });
      expect(end.exitCode).toBe(0);
      const made = world
        .takeCalls()
        .flatMap((call) => (call.includes('--format') ? call[call.indexOf('--format') + 1] : []));
      expect(made).toEqual(['gce']);
      const names = ['azure', 'gce', 'qemu'].map((one) => `skiff_production_${one}_image.img`);
      expect(end.result?.summary).toMatchObject({ formats: ['azure', 'gce', 'qemu'] });
      expect(pathsOf(end).map((path) => path.split('/').at(-1))).toEqual(names);
      const third = await runStep(world, 'vms', ['amd64', 'gce', 'azure'], { env: keys });
      expect([third.exitCode, calledIn(world)]).toEqual([0, []]);
    },
    PATIENT_MS,
  );
});

test(
  'a version that is tagged and built by one step is looked for under its tag',
  async () => {
    const world = worlds.copyOf(published);
    rmSync(join(world.cache, 'images'), { recursive: true });
    const calls = [
      ['sdk_bootstrap', argumentsOf('sdk_bootstrap')],
      ['packages', [tag, 'amd64']],
    ] as const;
    for (const [step, args] of calls) {
      const end = await runStep(world, step, args, { env: keys });
      expect([step, end.exitCode, end.result?.summary?.outcome]).toEqual([step, 0, 'published already']);
      expect(calledIn(world)).toEqual([]);
    }
  },
  PATIENT_MS,
);
