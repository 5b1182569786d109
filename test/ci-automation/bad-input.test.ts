import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { BUILD, buildUpTo, withdrawPackages } from '../helpers/fixture-pipeline.ts';
import { snapshotOf } from '../helpers/fixture-snapshot.ts';
import { errorIn, mustRun, runStep, type StepCall } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { digestOf } from '../helpers/temp-files.ts';

const { tag, cacheForm, dockerForm } = BUILD;

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

/** Runs a step that must refuse before it does anything: nothing changed, and no entry point was called. */
const refused = async (
  world: FixtureWorld,
  step: string,
  args: readonly string[],
  call?: StepCall,
): Promise<string> => {
  const before = snapshotOf(world);
  const { exitCode, stdout, stderr } = await runStep(world, step, args, call);
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringContaining('error ') });
  expect(snapshotOf(world)).toEqual(before);
  return errorIn({ stderr });
};

describe('wrong arguments: exit 2, nothing happens', () => {
  const cases: { name: string; step: string; args: string[]; says: (string | RegExp)[] }[] = [
    {
      name: 'an unknown architecture',
      step: 'packages',
      args: ['amd46'],
      says: ["Unknown architecture 'amd46'. Did you mean 'amd64'?", 'This tree builds for: amd64'],
    },
    {
      name: 'an architecture that the SDK cannot be made on',
      step: 'sdk_bootstrap',
      args: ['--arch', 'mips', 'debian', tag],
      says: ["Unknown architecture 'mips'"],
    },
    {
      name: 'an unknown format',
      step: 'vms',
      args: ['amd64', 'qemu', 'azur'],
      says: ["Unknown image format 'azur'. Did you mean 'azure'?", /This tree knows: qemu, qemu_uefi, .*azure, gce/],
    },
    {
      name: 'a format that cannot be booted',
      step: 'test',
      args: ['amd64', 'azure'],
      says: ["Unknown image format 'azure'", /This tree knows: image, qemu, qemu_uefi/],
    },
    { name: 'no format', step: 'vms', args: ['amd64'], says: ["called with 'amd64'", 'Expected: vms ARCH FORMAT...'] },
    { name: 'no argument', step: 'image', args: [], says: ['called with no arguments', 'Expected: image ARCH'] },
    { name: 'too many arguments', step: 'sdk_container', args: ['amd64'], says: ["called with 'amd64'"] },
    { name: 'swapped arguments', step: 'packages', args: ['amd64', tag], says: [`Unknown architecture '${tag}'`] },
    { name: 'an unknown flag', step: 'image', args: ['amd64', '--plam'], says: ["'--plam'. Did you mean '--plan'?"] },
    { name: 'a flag without its value', step: 'image', args: ['--buildcache-dir'], says: ['needs a value'] },
  ];
  test.concurrent.each(cases)('$name', async ({ step, args, says }) => {
    const text = await refused(fresh, step, args);
    for (const part of says)
      expect(text).toEqual(part instanceof RegExp ? expect.stringMatching(part) : expect.stringContaining(part));
  });

  const versions = [
    '',
    '4888.0.0',
    'main-4888.0',
    'weekly-4888.0.0',
    'main-4888.0.0-a b',
    'main-4888.0.0+x',
    'main-4888.0.0-$(id)',
  ];
  test.concurrent.each(versions)("the version '%s'", async (version) => {
    const text = await refused(fresh, 'packages_tag', [version]);
    expect(text).toContain(`error VERSION_INVALID: '${version}' is not a version: `);
    expect(text).toContain('CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX], for example main-');
  });
});

describe('wrong settings: exit 2, nothing happens', () => {
  const key = '/nonexistent/key.asc';
  const cases: { name: string; env: Record<string, string>; says: string[] }[] = [
    {
      name: 'a misspelt setting',
      env: { BUILDCACHE_SEVER: 'cache' },
      says: ["environment: unknown setting 'BUILDCACHE_SEVER'. Did you mean 'BUILDCACHE_SERVER'?"],
    },
    {
      name: 'a number that is none',
      env: { BUILDCACHE_SSH_PORT: 'ssh' },
      says: ['environment: BUILDCACHE_SSH_PORT: '],
    },
    { name: 'an unknown tree', env: { SLIPWAY_TREE: 'skif' }, says: ["named 'skif'. Did you mean 'skiff'?"] },
    { name: 'only SIGNER', env: { SIGNER: 'somebody' }, says: ['SIGNER is set but SIGNING_KEY is not'] },
    { name: 'only SIGNING_KEY', env: { SIGNING_KEY: key }, says: ['SIGNING_KEY is set but SIGNER is not'] },
    { name: 'a signing key that is not there', env: { SIGNER: 'x', SIGNING_KEY: key }, says: [key, 'ENOENT'] },
    { name: 'trusted keys that are not there', env: { TRUSTED_KEYS: key }, says: [key, 'ENOENT'] },
    {
      name: 'a cache address that is none',
      env: { BUILDCACHE_SERVER: 'a b' },
      says: ['BUILDCACHE_SERVER', 'expected'],
    },
  ];
  test.concurrent.each(cases)('$name', async ({ env, says }) => {
    const world = worlds.copyOf(fresh);
    const text = await refused(world, 'sdk_bootstrap', ['debian', tag], { env });
    for (const part of says) expect(text).toContain(part);
    expect(leftoversOf(world)).toEqual([]);
  });

  test('a misspelt setting in ci-config.env, named together with the others', async () => {
    const world = worlds.copyOf(fresh);
    world.write('ci-config.env', 'BUILDCACHE_USR=me\nSIGNAR=me\nTREE_OWN=fine\n');
    const text = await refused(world, 'packages', ['amd64']);
    expect(text).toContain('2 settings are wrong');
    expect(text).toContain(
      `${world.tree}/ci-config.env: unknown setting 'BUILDCACHE_USR'. Did you mean 'BUILDCACHE_USER'?`,
    );
    expect(text).toContain("unknown setting 'SIGNAR'. Did you mean 'SIGNER'?");
  });
});

describe('the wrong place: exit 2, nothing happens', () => {
  test.concurrent.each(['sdk_container', 'image'])('%s not in an OS tree', async (step) => {
    const args = step === 'image' ? ['amd64'] : [];
    for (const cwd of [fresh.temp, join(fresh.tree, 'packages')]) {
      const text = await refused(fresh, step, args, { cwd });
      expect(text).toContain(
        `${cwd} is not the root of an OS tree: it has no sdk_container/.repo/manifests/version.txt`,
      );
    }
  });

  test('an OS tree that is no git checkout', async () => {
    const world = worlds.copyOf(built);
    rmSync(join(world.tree, '.git'), { recursive: true });
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64']);
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 2, calls: [] });
    expect(errorIn({ stderr })).toContain(`error NOT_A_GIT_CHECKOUT: ${world.tree} is not a usable git checkout`);
  });

  test('a version file that makes no sense', async () => {
    const world = worlds.copyOf(built);
    world.write('sdk_container/.repo/manifests/version.txt', 'SKIFF_VERSION=$(id)\n');
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64']);
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 2, calls: [] });
    expect(errorIn({ stderr })).toContain('version.txt, line 1: ');
  });
});

describe('tagging', () => {
  /** What a refused tagging must leave alone. */
  const stateOf = (world: FixtureWorld): string[] => [
    world.git('rev-parse', 'HEAD'),
    world.git('status', '--porcelain'),
    world.git('tag'),
    execFileSync('git', ['for-each-ref'], { cwd: world.origin, encoding: 'utf8' }),
  ];

  const untagged = async (world: FixtureWorld, step: string, args: string[], exitCode: number): Promise<string> => {
    const before = stateOf(world);
    const end = await runStep(world, step, args);
    expect(end).toMatchObject({ exitCode, result: { outcome: 'failed', exitCode, outputs: [] } });
    expect(stateOf(world)).toEqual(before);
    expect({ calls: world.takeCalls(), leftovers: leftoversOf(world) }).toEqual({ calls: [], leftovers: [] });
    return errorIn(end);
  };

  /** Somebody else's commit on the origin, perhaps under a tag. */
  const pushElsewhere = (world: FixtureWorld, ...refs: string[]): string => {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', 'other', ...args], { cwd: world.folder, env: world.env, encoding: 'utf8' }).trim();
    execFileSync('git', ['clone', '--quiet', 'origin.git', 'other'], { cwd: world.folder, env: world.env });
    git('-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '--quiet', '--allow-empty', '-m', 'Other');
    git('push', '--quiet', 'origin', ...refs.map((ref) => `HEAD:${ref}`));
    return git('rev-parse', 'HEAD');
  };

  test('a nightly that is not made from the branch head', async () => {
    const world = worlds.copyOf(fresh);
    const tip = pushElsewhere(world, 'refs/heads/main');
    const head = world.git('rev-parse', 'HEAD');
    world.git('fetch', '--quiet');
    const text = await untagged(world, 'sdk_bootstrap', ['debian', tag], 1);
    expect(text).toContain(
      `made from the head of 'main' on 'origin', which is ${tip.slice(0, 12)}; checked out is ${head.slice(0, 12)}`,
    );
    expect(text).toContain('git fetch origin main && git checkout FETCH_HEAD');
  });

  test('a tag that exists with other content', async () => {
    const world = worlds.copyOf(fresh);
    const other = pushElsewhere(world, 'refs/tags/alpha-4888.1.0');
    world.git('fetch', '--quiet', '--tags');
    const text = await untagged(world, 'packages', ['alpha-4888.1.0', 'amd64'], 1);
    expect(text).toContain(
      `error TAG_DIFFERS: The tag alpha-4888.1.0 exists already on the remote at ${other.slice(0, 12)}`,
    );
    expect(text).toContain('Use another version.');
  });

  test('a dirty checkout: changed, new and staged files', async () => {
    const world = worlds.copyOf(fresh);
    world.write('packages/one', 'changed\n');
    world.write('packages/two', 'new\n');
    const text = await untagged(world, 'sdk_bootstrap', ['debian', tag], 2);
    expect(text).toContain('uncommitted changes in 2 files');
    expect(text).toMatch(/^ +packages\/one\n +packages\/two$/m);
    world.git('add', '--all');
    expect(await untagged(world, 'sdk_bootstrap', ['debian', tag], 2)).toContain('git restore --staged');
  });

  test('an origin that is not there', async () => {
    const world = worlds.copyOf(fresh);
    world.git('remote', 'set-url', 'origin', '../nowhere.git');
    const { exitCode, stderr } = await runStep(world, 'packages_tag', ['alpha-4888.1.0']);
    expect(exitCode).toBe(1);
    expect(errorIn({ stderr })).toContain("'../nowhere.git' does not appear to be a git repository");
  });
});

describe('artifacts', () => {
  /** The world of these tests has everything published already. */
  const anyway = { env: { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' } };

  /** Adds a byte to an artifact; gives the digests that the error has to name. */
  const tamper = (world: FixtureWorld, path: string): { expected: string; found: string } => {
    const file = join(world.cache, path);
    const expected = digestOf(file, 'sha512');
    appendFileSync(file, '!');
    return { expected, found: digestOf(file, 'sha512') };
  };

  const removeImages = (world: FixtureWorld): void => {
    for (const image of [`skiff-sdk-amd64:${dockerForm}`, `skiff-packages-amd64:${dockerForm}`]) {
      rmSync(join(world.folder, 'engine/images', image), { force: true });
    }
  };

  const tampered: { step: string; args: string[]; path: string }[] = [
    { step: 'sdk_container', args: [], path: `sdk/amd64/${cacheForm}/skiff-sdk-amd64-${cacheForm}.tar.zst` },
    { step: 'packages', args: ['amd64'], path: `containers/${dockerForm}/skiff-sdk-amd64-${dockerForm}.tar.zst` },
    { step: 'image', args: ['amd64'], path: `containers/${dockerForm}/skiff-packages-amd64-${dockerForm}.id` },
    { step: 'vms', args: ['amd64', 'qemu'], path: `images/amd64/${cacheForm}/skiff_production_image.bin.zst` },
    { step: 'test', args: ['amd64', 'image'], path: `images/amd64/${cacheForm}/skiff_production_image.vmlinuz` },
  ];

  // At the same time, because each of them waits for a publisher that might just be at work.
  test('a tampered one: exit 3, with its name and both digests, and no entry point is called', async () => {
    const check = async ({ step, args, path }: (typeof tampered)[number]): Promise<void> => {
      const world = worlds.copyOf(built);
      removeImages(world);
      rmSync(join(world.tree, '__build__'), { recursive: true });
      const { expected, found } = tamper(world, path);
      const end = await runStep(world, step, args, anyway);
      expect(end).toMatchObject({ exitCode: 3, result: { exitCode: 3, outcome: 'failed', outputs: [] } });
      const text = `${path} in ${world.cache} does not verify: its sha512 should be ${expected} and is ${found}.`;
      expect(errorIn(end)).toContain(text);
      expect(world.takeCalls()).toEqual([]);
      const containers = ['packages', 'images'].map((kind) => `container skiff-${kind}-amd64-${dockerForm}`);
      expect(leftoversOf(world).filter((what) => !containers.includes(what))).toEqual([]);
      const bytes = path.split('/').at(-1) ?? '';
      expect(['', 'images-in', '__build__'].filter((folder) => existsSync(join(world.tree, folder, bytes)))).toEqual(
        [],
      );
    };
    await Promise.all(tampered.map(check));
  }, 30_000);

  test('a tampered binary package of an earlier build stops the build as well', async () => {
    const world = worlds.copyOf(built);
    rmSync(join(world.tree, '__build__'), { recursive: true });
    tamper(world, 'boards/amd64-usr/binpkgs/index.json');
    const { exitCode, stderr } = await runStep(world, 'packages', ['amd64'], anyway);
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 3, calls: [] });
    expect(errorIn({ stderr })).toContain('boards/amd64-usr/binpkgs/index.json');
  });

  test('one whose digests are missing: exit 3', async () => {
    const world = worlds.copyOf(built);
    const path = `images/amd64/${cacheForm}/version.txt`;
    rmSync(join(world.cache, `${path}.DIGESTS`));
    const { exitCode, stderr } = await runStep(world, 'vms', ['amd64', 'qemu']);
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 3, calls: [] });
    expect(errorIn({ stderr })).toContain(`${path} in ${world.cache} cannot be verified: it has no .DIGESTS file`);
  });

  test('one without a signature where trusted keys are configured: exit 3', async () => {
    const world = worlds.copyOf(built);
    const key = makeTestKey({ folder: world.folder, name: 'Trusted' });
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64'], { env: { TRUSTED_KEYS: key.publicKeyFile } });
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 3, calls: [] });
    const path = `containers/${dockerForm}/skiff-packages-amd64-${dockerForm}.id`;
    expect(errorIn({ stderr })).toContain(`${path} in ${world.cache} is not signed (there is no ${path}.sig)`);
    expect(errorIn({ stderr })).toContain(key.publicKeyFile);
  });

  test('a container archive that holds another image than the published one: exit 3, and it is removed again', async () => {
    const world = worlds.copyOf(built);
    withdrawPackages(world);
    world.behave('engine-save', 'other');
    await mustRun(world, 'packages', ['amd64']);
    world.behave('engine-save', undefined);
    removeImages(world);
    world.takeCalls();
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64'], anyway);
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 3, calls: [] });
    expect(errorIn({ stderr })).toContain(
      `error CONTAINER_IMAGE_WRONG_ID: The container image skiff-packages-amd64:${dockerForm}`,
    );
    expect(existsSync(join(world.folder, 'engine/images', `skiff-packages-amd64:${dockerForm}`))).toBe(false);
  });

  const missing: { step: string; args: string[]; code: string; path: string }[] = [
    {
      step: 'sdk_container',
      args: [],
      code: 'CACHE_ARTIFACT_MISSING',
      path: 'sdk/amd64/0.0.0/skiff-sdk-amd64-0.0.0.tar.zst',
    },
    {
      step: 'packages',
      args: ['amd64'],
      code: 'CONTAINER_IMAGE_MISSING',
      path: 'containers/0.0.0/skiff-sdk-amd64-0.0.0.id',
    },
    {
      step: 'image',
      args: ['amd64'],
      code: 'CONTAINER_IMAGE_MISSING',
      path: 'containers/0.0.0/skiff-packages-amd64-0.0.0.id',
    },
    { step: 'test', args: ['amd64', 'image'], code: 'CACHE_ARTIFACT_MISSING', path: 'images/amd64/0.0.0/' },
  ];
  test.concurrent.each(missing)(
    'one that is not there, in $step: exit 1, and its path',
    async ({ step, args, code, path }) => {
      const world = worlds.copyOf(fresh);
      const { exitCode, stderr } = await runStep(world, step, args);
      expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 1, calls: [] });
      expect(errorIn({ stderr })).toContain(`error ${code}: `);
      expect(errorIn({ stderr })).toContain(path);
      expect(errorIn({ stderr })).toContain(world.cache);
      expect(leftoversOf(world)).toEqual([]);
    },
  );
});

describe('the machine', () => {
  test('an engine that is not running: exit 1, before anything is tagged', async () => {
    const world = worlds.copyOf(fresh);
    world.behave('engine', 'down');
    const before = snapshotOf(world);
    const { exitCode, stderr } = await runStep(world, 'sdk_bootstrap', ['debian', tag]);
    expect(exitCode).toBe(1);
    expect(errorIn({ stderr })).toContain('There is no working container engine');
    expect(errorIn({ stderr })).toContain('engine.sh: Cannot connect to the Docker daemon');
    expect(errorIn({ stderr })).toContain('npm run setup');
    expect(snapshotOf(world)).toEqual(before);
  });

  test('an engine that is not installed', async () => {
    const { exitCode, stderr } = await runStep(fresh, 'image', ['amd64'], { env: { docker: 'no-such-engine' } });
    expect(exitCode).toBe(1);
    expect(errorIn({ stderr })).toContain('no-such-engine: not installed');
  });

  test('an engine that stops running in the middle', async () => {
    const world = worlds.copyOf(built);
    world.behave('engine-images', 'down');
    const { exitCode, stderr } = await runStep(world, 'image', ['amd64'], {
      env: { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' },
    });
    expect({ exitCode, calls: world.takeCalls() }).toEqual({ exitCode: 1, calls: [] });
    expect(errorIn({ stderr })).toContain('error ENGINE_NOT_RUNNING: The container engine does not answer');
  });

  // A file system of the kernel's own has no room at all.
  test.each([
    {
      place: "the engine's store",
      arrange: (world: FixtureWorld) => world.setEngineRoot('/proc'),
      purpose: 'container images',
      env: {},
    },
    {
      place: 'the cache',
      arrange: () => {},
      purpose: 'the artifact cache',
      env: { BUILDCACHE_DIR: '/proc/slipway-cache' },
    },
  ])('no room in $place: exit 1 before anything is tagged', async ({ arrange, purpose, env }) => {
    const world = worlds.copyOf(fresh);
    arrange(world);
    const before = snapshotOf(world);
    const { exitCode, stderr } = await runStep(world, 'sdk_bootstrap', ['debian', tag], { env });
    expect(exitCode).toBe(1);
    expect(errorIn({ stderr })).toMatch(
      new RegExp(`DISK_TOO_SMALL: Not enough disk space for ${purpose} in /proc\\S*: 0 B free, 5.0 GiB needed`),
    );
    expect(snapshotOf(world)).toEqual(before);
  });
});
