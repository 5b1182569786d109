/**
 * Builds that were published with the step scripts are built again with nothing but git and the cache. Steps, git, the cache server and the disks are
 * real; the container engine is a stand-in.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { changeByte } from '../helpers/compare-images.ts';
import { BUILD } from '../helpers/fixture-pipeline.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from '../helpers/https-server.ts';
import { publishBuild, runCommand, setLess, VERSION } from '../helpers/reproduce-world.ts';

jest.setTimeout(300_000);
const worlds = useWorlds();
const servers: TestHttpsServer[] = [];
let published: FixtureWorld;

beforeAll(async () => {
  published = worlds.fresh();
  await publishBuild(published);
});

afterAll(async () => {
  for (const server of servers) await server.stop();
});

/** The world as somebody else sees it: a server to read from, the repository's address, and nothing to write with. */
const asReader = async (world: FixtureWorld) => {
  const pki = join(world.folder, 'pki');
  mkdirSync(pki);
  const certificates = makeCertificates(pki);
  const server = await startHttpsServer(world.cache, certificates);
  servers.push(server);
  return {
    BUILDCACHE_DIR: undefined,
    BUILDCACHE_SERVER: '127.0.0.1',
    BUILDCACHE_SSH_PORT: '1',
    BUILDCACHE_URL: server.url,
    BUILDCACHE_CA_FILE: certificates.caFile,
  };
};

const listing = (folder: string): string =>
  execFileSync('sh', ['-c', 'find . -type f -exec sha256sum {} + | sort', '-'], { cwd: folder, encoding: 'utf8' });

const work = (world: FixtureWorld, ...names: string[]): string =>
  join(world.folder, 'slipway/reproduce', VERSION, ...names);

describe('from a server that can only be read', () => {
  let world: FixtureWorld;
  let env: Awaited<ReturnType<typeof asReader>>;
  let before: { cache: string; origin: string };
  const state = () => ({ cache: listing(world.cache), origin: world.git('ls-remote', 'origin') });
  const source = () => `--repository=${world.origin}`;

  beforeAll(async () => {
    world = worlds.copyOf(published);
    env = await asReader(world);
    before = state();
  });

  test('what is needed is fetched, the published artifacts too', async () => {
    const end = await runCommand(world, 'reproduce', [BUILD.tag, source(), '--fetch-only'], { env });
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stdout).toContain(`npm run reproduce -- ${VERSION} --offline`);
    expect(readdirSync(work(world, 'published/images/amd64', VERSION))).toContain('skiff_production_image.bin.zst');
  });

  test('with the network cut it is built again, and identical', async () => {
    const end = await runCommand(world, 'reproduce', ['latest', '--offline'], { env, offline: true });
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stdout).toMatch(/^4888\.0\.0\+nightly-20261120-2100 from main-\S+ \(commit [0-9a-f]{12}\): identical$/m);
    expect(end.stdout).toMatch(/^ {2}image amd64 +identical +7 of 7 artifacts/m);
    expect(end.stdout).toMatch(/^ {2}vms amd64 qemu azure +identical +2 of 2 artifacts/m);
    expect(readFileSync(work(world, 'report.html'), 'utf8')).toContain('identical, byte by byte');
  });

  test('without being told, too: what was fetched before is found again', async () => {
    const end = await runCommand(world, 'reproduce', [VERSION, 'image', source()], { env, offline: true });
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toContain('going on with what was fetched before');
  });

  test('one package that is another one is named, with the file in its partition', async () => {
    setLess(world, 'less of another package');
    const end = await runCommand(world, 'reproduce', [VERSION, '--offline'], { env, offline: true });
    setLess(world, 'less of the package less');
    expect(end).toMatchObject({ exitCode: 1 });
    expect(end.stderr).toContain('error REPRODUCTION_DIFFERS');
    const lines = end.stdout.split('\n').map((line) => line.trim());
    // The vendor images are made from the published image, so that they are the same.
    expect(end.stdout).toMatch(/^ {2}image amd64 +differs +5 of 7 artifacts/m);
    expect(end.stdout).toMatch(/^ {2}vms amd64 qemu azure +identical/m);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^~ images\/\S+image\.bin\.zst \(artifact, zstd, GPT disk\)/),
        expect.stringMatching(/^~ USR-A \(partition, squashfs\)/),
        expect.stringMatching(/^~ \/bin\/less \(text\): 25 bytes → 24 bytes$/),
        '-less of the package less',
        '+less of another package',
        '~ less 590 → 590, other content: /bin/less',
      ]),
    );
    expect(end.stdout).not.toMatch(/~ .*jq/);
    const page = readFileSync(work(world, 'report.html'), 'utf8');
    expect(page).toContain('<code>/bin/less</code>');
    expect(page).not.toMatch(/<script src|<link rel="stylesheet"|https?:\/\//);
  });

  test('nothing was published and nothing was pushed by any of it', () => {
    expect(state()).toEqual(before);
    expect(servers.at(-1)?.requests.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
    expect(readdirSync(join(world.folder, 'engine/containers')).filter((name) => name.includes('reproduce'))).toEqual(
      [],
    );
  });
});

describe('from a folder', () => {
  const repository = (world: FixtureWorld) => `--repository=${world.origin}`;

  test('all of it from scratch, in a chain; what is different each time is said to be', async () => {
    const world = worlds.copyOf(published);
    const before = listing(world.cache);
    const end = await runCommand(world, 'reproduce', ['latest', '--from-scratch', repository(world)]);
    // The stand-in engine gives every image another ID.
    expect(end).toMatchObject({ exitCode: 1 });
    for (const step of ['sdk_bootstrap debian', 'sdk_container', 'packages amd64', 'image amd64', 'vms amd64'])
      expect(end.stdout).toMatch(new RegExp(`^ {2}${step}`, 'm'));
    expect(end.stdout).toMatch(/^ {2}image amd64 +identical/m);
    expect(end.stdout).toMatch(/skiff-packages-amd64\S+\.id: differs/);
    expect(listing(world.cache)).toBe(before);
  });

  test('an artifact that was damaged since is no measure: exit 3', async () => {
    const world = worlds.copyOf(published);
    const disk = join(world.cache, 'images/amd64', VERSION, 'skiff_production_image.bin.zst');
    changeByte(disk, 100);
    setLess(world, 'other');
    const end = await runCommand(world, 'reproduce', [VERSION, 'image', repository(world)]);
    expect(end).toMatchObject({ exitCode: 3 });
    expect(end.stderr).toContain('error REPRODUCE_PUBLISHED_DIFFERS');
  });

  test('an input that was damaged is not used: exit 3', async () => {
    const world = worlds.copyOf(published);
    changeByte(join(world.cache, 'images/amd64', VERSION, 'skiff_production_image.bin.zst'), 100);
    const end = await runCommand(world, 'reproduce', [VERSION, 'vms', repository(world)]);
    expect(end).toMatchObject({ exitCode: 3 });
    expect(end.stderr).toContain('error ARTIFACT_DIGEST_MISMATCH');
    expect(existsSync(work(world, 'plan.json'))).toBe(false);
  });

  test('a tag that was moved is not what was built: exit 3', async () => {
    const world = worlds.copyOf(published);
    world.git('push', '--quiet', '--force', 'origin', `HEAD~1:refs/tags/${BUILD.tag}`);
    const end = await runCommand(world, 'reproduce', [VERSION, repository(world)]);
    expect(end).toMatchObject({ exitCode: 3 });
    expect(end.stderr).toContain('error REPRODUCE_TAG_MOVED');
  });

  test('with trusted keys an unsigned statement counts for nothing: exit 3', async () => {
    const world = worlds.copyOf(published);
    const folder = join(world.folder, 'keys');
    mkdirSync(folder);
    const { publicKeyFile } = makeTestKey({ folder, name: 'Somebody' });
    const end = await runCommand(world, 'reproduce', [VERSION, repository(world)], {
      env: { TRUSTED_KEYS: publicKeyFile },
    });
    expect(end).toMatchObject({ exitCode: 3 });
    expect(end.stderr).toContain('error REPRODUCE_UNTRUSTED');
  });

  test('a step that fails here ends it with its log: exit 1', async () => {
    const world = worlds.copyOf(published);
    rmSync(join(world.folder, 'less'));
    const end = await runCommand(world, 'reproduce', [VERSION, 'image', repository(world)]);
    expect(end).toMatchObject({ exitCode: 1 });
    expect(end.stderr).toContain('error REPRODUCE_STEP_FAILED: image-amd64 ended with exit code 1 here');
  });

  test.each([
    ['a version that nobody published', ['main-4000.0.0'], 1, 'REPRODUCE_NOTHING'],
    ['no version', [], 2, 'ARGUMENTS_WRONG'],
    ['a step that there is not', [VERSION, 'bake'], 2, 'STEP_UNKNOWN'],
    ['offline before anything was fetched', [VERSION, '--offline'], 1, 'REPRODUCE_NOT_FETCHED'],
    ['the latest, offline, before anything was fetched', ['latest', '--offline'], 1, 'REPRODUCE_NOT_FETCHED'],
    ['no repository anywhere', [VERSION], 1, 'REPRODUCE_SOURCE_UNKNOWN'],
  ])('%s', async (_, args, exitCode, code) => {
    const end = await runCommand(published, 'reproduce', args);
    expect(end).toMatchObject({ exitCode });
    expect(end.stderr).toContain(`error ${code}`);
  });
});
