import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createRunner } from '../../lib/process/index.ts';
import { checkDigests, openVerifier } from '../../lib/signing/index.ts';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { argumentsOf, BUILD, PIPELINE, type PipelineStep } from '../helpers/fixture-pipeline.ts';
import { resultSchema } from '../helpers/fixture-result.ts';
import { mustRun, runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { digestOf, listTree } from '../helpers/temp-files.ts';

const { tag, cacheForm, dockerForm } = BUILD;
const SDK_IMAGE = `skiff-sdk-amd64:${dockerForm}`;
const PACKAGES_IMAGE = `skiff-packages-amd64:${dockerForm}`;
const ROOT = '/home/sdk/trunk/src/build/images';

/** How one step of the pipeline went. */
interface Run {
  readonly end: StepEnd;
  readonly calls: readonly (readonly string[])[];
  /** What it added to `ci-cleanup.sh`. */
  readonly cleanup: readonly string[];
}

const worlds = useWorlds();
const runs = new Map<PipelineStep, Run>();
let world: FixtureWorld;
let keys: Record<string, string>;

const run = (step: PipelineStep): Run => {
  const found = runs.get(step);
  if (!found) throw new Error(`${step} was not run`);
  return found;
};

const cleanupLines = (): string[] => world.read('tree/ci-cleanup.sh').split('\n').filter(Boolean);

const runOnce = async (step: PipelineStep): Promise<Run> => {
  const before = cleanupLines().length;
  const end = await mustRun(world, step, argumentsOf(step), { env: keys });
  return { end, calls: world.takeCalls(), cleanup: cleanupLines().slice(before) };
};

beforeAll(async () => {
  world = worlds.fresh();
  mkdirSync(join(world.folder, 'keys'));
  const key = makeTestKey({ folder: join(world.folder, 'keys'), name: 'Builder' });
  keys = { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, TRUSTED_KEYS: key.publicKeyFile };
  for (const [step] of PIPELINE) runs.set(step, await runOnce(step));
}, 60_000);

/** A call of `run_sdk_container` as the steps make it. */
const inSdk = (name: string, image: string, command: string, options: { cleanup?: boolean } = {}): string[] => [
  'run_sdk_container',
  ...(options.cleanup ? ['-x', './ci-cleanup.sh'] : []),
  ...['-n', `${name}-amd64-${dockerForm}`],
  // As in the original, whose packages step names the version first.
  ...(name.endsWith('-packages') ? ['-v', cacheForm, '-C', image] : ['-C', image, '-v', cacheForm]),
  ...command.split(' '),
];

/** What the engine is asked to free later. */
const removal = (what: 'container' | 'image', name: string): string => `${world.env.docker} ${what} rm -f '${name}'`;

/** Artifacts of the cache, without digests and signatures. */
const artifactsIn = (folder: string): string[] =>
  listTree(join(world.cache, folder)).filter((name) => !/\.(sig|asc|DIGESTS)$/.test(name));

describe('each step', () => {
  const steps = PIPELINE.map(([step]) => step);

  test.each(steps)('%s ends with 0 and names its result file in the last line of standard output', (step) => {
    const { end } = run(step);
    const arch = ['packages', 'image', 'vms'].includes(step) ? '-amd64' : '';
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toBe(`${world.tree}/__build__/slipway/${step}${arch}.json\n`);
  });

  test.each(steps)('%s writes a result file of the known form', (step) => {
    const { result } = run(step).end;
    expect(v.safeParse(resultSchema, result).issues).toBeUndefined();
    expect(result).toMatchObject({ step, arguments: argumentsOf(step), outcome: 'done', exitCode: 0 });
    expect(result?.commit).toBe(world.git('rev-parse', 'HEAD'));
  });

  test.each(steps)('%s names outputs that are in the cache with that size and digest', (step) => {
    const outputs = run(step).end.result?.outputs ?? [];
    expect(outputs.length).toBeGreaterThan(0);
    for (const { path, sizeBytes, sha256 } of outputs) {
      expect({
        path,
        sizeBytes: readFileSync(join(world.cache, path)).length,
        sha256: digestOf(join(world.cache, path)),
      }).toEqual({ path, sizeBytes, sha256 });
    }
  });

  test.each(steps)('%s logs to standard error: phases, commands as they can be pasted, and the end', (step) => {
    const { stderr } = run(step).end;
    expect(stderr).toMatch(new RegExp(`^=== ${step}`));
    expect(stderr).toMatch(/^ *-> (build|make) /m);
    expect(stderr).toMatch(/^ *\$ \.\/\w+sdk_container/m);
    expect(stderr).toMatch(new RegExp(`^=== ${step}: done in [\\d.]+ m?s\\n$`, 'm'));
    expect(stderr).not.toMatch(/undefined|\[object|error|warning/i);
  });

  test('leaves nothing running or temporary behind; containers are for ci-cleanup.sh', () => {
    const containers = ['images', 'packages', 'vms'].map((kind) => `container skiff-${kind}-amd64-${dockerForm}`);
    expect(leftoversOf(world)).toEqual(containers);
  });
});

describe('sdk_bootstrap', () => {
  test('commits the version, tags it, and pushes the tag and the branch of nightlies', () => {
    expect(world.git('log', '-1', '--format=%s')).toBe(`New version: ${tag}`);
    expect(world.git('show', '--stat', '--format=', 'HEAD')).toMatch(
      /^ sdk_container\/.*version\.txt .*\n 1 file changed/,
    );
    const head = world.git('rev-parse', 'HEAD');
    expect(world.git('ls-remote', 'origin')).toBe(
      [`${head}\tHEAD`, `${head}\trefs/heads/main`, `${head}\trefs/tags/${tag}`].join('\n'),
    );
    expect(run('sdk_bootstrap').end.result?.summary).toMatchObject({ version: tag, sdkVersion: cacheForm });
  });

  test('calls the entry point with seed and version', () => {
    const logs = '__build__/sdk-bootstrap-logs-to-upload/';
    expect(run('sdk_bootstrap').calls).toEqual([
      ['bootstrap_sdk_container', '-l', logs, '-x', './ci-cleanup.sh', 'debian', dockerForm],
    ]);
  });

  test('publishes the tarball and what the tree puts beside it', () => {
    const tarball = `skiff-sdk-amd64-${cacheForm}.tar.zst`;
    expect(artifactsIn(`sdk/amd64/${cacheForm}`)).toEqual([tarball, `${tarball}.contents`]);
  });
});

describe('sdk_container', () => {
  test('takes the tarball from the cache and hands it to the entry point', () => {
    const tarball = `skiff-sdk-amd64-${cacheForm}.tar.zst`;
    const logs = join(world.tree, '__build__/sdk-container-logs-to-upload');
    expect(run('sdk_container').calls).toEqual([
      ['build_sdk_container_image', '-l', logs, '-x', './ci-cleanup.sh', `./__build__/${tarball}`],
    ]);
    expect(run('sdk_container').end.result?.inputs.map(({ path }) => path)).toEqual([
      `sdk/amd64/${cacheForm}/${tarball}`,
    ]);
  });

  test('publishes an image and its ID for each flavour', () => {
    const published = artifactsIn(`containers/${dockerForm}`).filter((name) => name.startsWith('skiff-sdk'));
    const names = ['all', 'amd64', 'arm64'].map((flavour) => `skiff-sdk-${flavour}-${dockerForm}`);
    expect(published).toEqual(names.flatMap((name) => [`${name}.id`, `${name}.tar.zst`]));
    const id = readFileSync(join(world.cache, `containers/${dockerForm}/${names[1]}.id`), 'utf8');
    expect(id).toBe(world.read(`engine/images/${SDK_IMAGE}`));
  });
});

describe('packages', () => {
  test('builds in the SDK, then collects the logs from the same container', () => {
    expect(run('packages').calls).toEqual([
      inSdk('skiff-packages', SDK_IMAGE, './build_packages --board=amd64-usr', { cleanup: true }),
      inSdk('skiff-packages', SDK_IMAGE, 'cp -a /build/amd64-usr/var/log/packages __build__/packages-logs-to-upload'),
    ]);
  });

  test('publishes the packages image, the binary packages and the logs', () => {
    const folder = `containers/${dockerForm}`;
    expect(artifactsIn(folder)).toContain(`skiff-packages-amd64-${dockerForm}.tar.zst`);
    expect(artifactsIn(folder)).toContain(`skiff-packages-amd64-${dockerForm}.id`);
    expect(artifactsIn('boards/amd64-usr/binpkgs')).toEqual(['index.json', expect.stringMatching(/^one_\w+\.deb$/)]);
    const logs = artifactsIn(`build-logs/${cacheForm}`).find((name) => name.startsWith('packages-amd64-logs-')) ?? '';
    expect(logs).toMatch(/-\d{4}-\d\d-\d\d-\d{4}-\d\d\.tar\.xz$/);
    const names = execFileSync('tar', ['-tf', join(world.cache, 'build-logs', cacheForm, logs)], { encoding: 'utf8' });
    expect(names).toBe('packages/\npackages/one.log\n');
  });

  test('writes what is to be freed into ci-cleanup.sh', () => {
    expect(run('packages').cleanup).toEqual([
      removal('image', SDK_IMAGE),
      removal('container', `skiff-packages-amd64-${dockerForm}`),
    ]);
  });
});

describe('image', () => {
  test('downloads no image that is here and current', () => {
    expect(run('packages').end.result?.inputs).toEqual([]);
    expect(run('image').end.result?.inputs).toEqual([]);
    expect(run('image').end.stderr).toContain(`container image ${PACKAGES_IMAGE}: it is here and is the published one`);
  });

  test('builds as for its channel and takes the result out of the container', () => {
    const container = (command: string, options = {}) => inSdk('skiff-images', PACKAGES_IMAGE, command, options);
    expect(run('image').calls).toEqual([
      container(`mkdir -p ${ROOT}`, { cleanup: true }),
      container('./set_official --board=amd64-usr --noofficial'),
      container(`./build_image --board=amd64-usr --group=developer --output_root=${ROOT} --only_store_compressed prod`),
      container(`mv ${ROOT}/amd64-usr/ ./images//`),
    ]);
  });

  test('publishes the image and what goes with it', () => {
    const own = run('image').end.result?.outputs.map(({ path }) => path);
    const names = ['skiff_production_image.bin.zst', 'skiff_production_image.vmlinuz', 'version.txt'];
    expect(own).toEqual(names.map((name) => `images/amd64/${cacheForm}/${name}`));
    expect(run('image').cleanup).toContain(removal('container', `skiff-images-amd64-${dockerForm}`));
  });
});

describe('vms', () => {
  test('makes each format from the unpacked generic image', () => {
    const container = (command: string, options = {}) => inSdk('skiff-vms', PACKAGES_IMAGE, command, options);
    const convert = (format: string, compression: string): string[] =>
      container(
        `./image_to_vm.sh --format ${format} --board=amd64-usr --from ${ROOT}/amd64-usr/latest-input ` +
          `--to ${ROOT}/amd64-usr/latest --image_compression_formats=${compression} --only_store_compressed`,
      );
    const { calls } = run('vms');
    expect(calls.slice(0, 2)).toEqual([
      container(`mkdir -p ${ROOT}/amd64-usr/latest`, { cleanup: true }),
      container(`mv images-in/ ${ROOT}/amd64-usr/latest-input`),
    ]);
    // Two at a time, in whatever order.
    expect(calls.slice(2, 4)).toEqual(expect.arrayContaining([convert('qemu', 'none'), convert('azure', 'zst')]));
    expect(calls.slice(4)).toEqual([container(`mv ${ROOT}/amd64-usr/ ./images//`)]);
  });

  test('publishes one file per format beside the generic image', () => {
    const image = readFileSync(join(world.cache, `images/amd64/${cacheForm}/skiff_production_azure_image.img`), 'utf8');
    expect(image).toBe(`azure of disk image of ${cacheForm}\n`);
    expect(run('vms').end.result?.summary).toMatchObject({
      formats: ['qemu', 'azure'],
      files: ['skiff_production_azure_image.img', 'skiff_production_qemu_image.img'],
    });
  });
});

describe('what is published', () => {
  test('has digests, and signatures of the artifact and of the digests, all valid; statements are signed in themselves', async () => {
    const parent = join(world.folder, 'keys');
    const runner = createRunner({ cwd: parent, env: process.env });
    const verifier = await openVerifier({ trustedKeys: keys.TRUSTED_KEYS, runner, parent });
    if (!verifier) throw new Error('no verifier');
    try {
      const artifacts = artifactsIn('').filter((name) => !/^(\.staging|provenance)\//.test(name));
      expect(artifacts.length).toBeGreaterThan(15);
      for (const name of artifacts) {
        const file = join(world.cache, name);
        const digests = readFileSync(`${file}.DIGESTS`, 'utf8');
        expect(await checkDigests(file, file.split('/').at(-1) ?? '', digests)).toMatchObject({ state: 'ok' });
        expect(await verifier.verify(file, `${file}.sig`)).toMatchObject({ valid: true });
        expect(await verifier.verify(`${file}.DIGESTS`, `${file}.DIGESTS.sig`)).toMatchObject({ valid: true });
        expect(existsSync(`${file}.DIGESTS.asc`)).toBe(true);
      }
    } finally {
      await verifier.close();
    }
  });
});

describe('afterwards', () => {
  /** Takes the packages image back from the cache, as an operator does before a version is built anew. */
  const unpublishPackages = (copy: FixtureWorld): void => {
    const folder = join(copy.cache, 'containers', dockerForm);
    for (const name of readdirSync(folder)) if (name.includes('-packages-')) rmSync(join(folder, name));
  };

  /** Builds although the version is published. */
  const anyway = { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };

  test('each step can be made to build again in place', async () => {
    const head = world.git('rev-parse', 'HEAD');
    const copy = worlds.copyOf(world);
    for (const [step, ...args] of PIPELINE) {
      // Its container is made anew and is another image: what is published does not change.
      if (step === 'packages') {
        const again = await runStep(copy, step, args, { env: { ...keys, ...anyway } });
        expect([again.exitCode, again.result?.error?.code]).toEqual([1, 'CACHE_VERSION_DIFFERS']);
        unpublishPackages(copy);
      }
      const { result } = await mustRun(copy, step, args, { env: { ...keys, ...anyway } });
      expect(result).toMatchObject({ outcome: 'done' });
    }
    expect(copy.git('rev-parse', 'HEAD', 'origin/main')).toBe(`${head}\n${head}`);
  }, 60_000);

  const needs = {
    sdk_container: `sdk/amd64/${cacheForm}/skiff-sdk-amd64-${cacheForm}.tar.zst`,
    packages: `containers/${dockerForm}/skiff-sdk-amd64-${dockerForm}.tar.zst`,
    image: `containers/${dockerForm}/skiff-packages-amd64-${dockerForm}.tar.zst`,
    vms: `images/amd64/${cacheForm}/skiff_production_image.bin.zst`,
  };

  test('each later step needs nothing but a clone of the tag and the cache', async () => {
    const onNewMachine = async (step: keyof typeof needs): Promise<string[]> => {
      const copy = worlds.copyOf(world);
      rmSync(copy.tree, { recursive: true });
      for (const name of ['images', 'files', 'containers']) {
        rmSync(join(copy.folder, 'engine', name), { recursive: true });
        mkdirSync(join(copy.folder, 'engine', name));
      }
      const clone = ['clone', '--quiet', '--branch', tag, 'origin.git', 'tree'];
      execFileSync('git', clone, { cwd: copy.folder, env: copy.env, stdio: 'ignore' });
      if (step === 'packages') unpublishPackages(copy);
      const { result } = await mustRun(copy, step, argumentsOf(step), { env: { ...keys, ...anyway } });
      return result?.inputs.map(({ path }) => path) ?? [];
    };
    const steps = Object.keys(needs) as (keyof typeof needs)[];
    const inputs = await Promise.all(steps.map(onNewMachine));
    for (const [at, step] of steps.entries()) expect(inputs[at]).toContain(needs[step]);
  }, 30_000);

  test('ci-cleanup.sh frees everything in the engine', () => {
    const copy = worlds.copyOf(world);
    execFileSync('sh', ['ci-cleanup.sh'], { cwd: copy.tree, env: copy.env, stdio: 'ignore' });
    expect(leftoversOf(copy)).toEqual([]);
    // The image that the next step may want stays.
    expect(listTree(join(copy.folder, 'engine/images'))).toEqual([PACKAGES_IMAGE]);
  });
});
