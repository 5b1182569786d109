import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { describeWithOriginal } from '../../helpers/conformance-original.ts';
import { originalTree } from '../../helpers/conformance-tree.ts';
import { gitTestEnv } from '../../helpers/git-clone.ts';
import { startSshd, type TestSshd } from '../../helpers/sshd.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { writeFileAt } from '../../helpers/temp-files.ts';
import { copyWorld, makeWorld, runOriginal, runOurs, type World, type WorldTag } from './world.ts';

jest.setTimeout(120_000);

const makeFolder = useTempFolders();

const OLD = 'main-4100.0.0-nightly-20260101-2100';
const TAGS: readonly WorldTag[] = [
  { name: OLD, daysOld: 60 },
  { name: 'alpha-4101.0.0-dev', daysOld: 50 },
  { name: 'main-4102.0.0-dev.1', daysOld: 40 },
  { name: 'main-4103.0.0-dev', daysOld: 3 },
  { name: 'stable-3033.2.4-pro', daysOld: 900 },
  { name: 'stable-3033.2.3', daysOld: 901 },
];

const artifactsOf = (version: string): string[] => {
  const docker = version.replaceAll('+', '-');
  return [
    `sdk/amd64/${version}/flatcar-sdk-amd64-${version}.tar.bz2`,
    ...['sdk-all', 'packages-amd64'].map((name) => `containers/${docker}/flatcar-${name}-${docker}.tar.zst`),
    ...['amd64', 'arm64'].flatMap((arch) => [
      `boards/${arch}-usr/${version}/pkgs/Packages`,
      `images/${arch}/${version}/version.txt`,
    ]),
    `testing/${version}/amd64/x.tap`,
    `build-logs/${version}/log.tar.xz`,
  ];
};

const VERSIONS = TAGS.map(({ name }) => name.replace(/^[a-z]+-/, '').replace(/^([\d.]+)-/, '$1+'));
const ARTIFACTS = [...VERSIONS, '4999.0.0+gone'].flatMap(artifactsOf);
/** What stays with two builds and no age. */
const STAYS = ['4102.0.0+dev.1', '4103.0.0+dev', '3033.2.4+pro', '3033.2.3'].flatMap(artifactsOf).sort();

/** A tree as small as can be. */
const makeSource = (): string => {
  const folder = makeFolder('source');
  const git = (...args: string[]): void => {
    const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];
    execFileSync('git', [...who, ...args], { cwd: folder, env: gitTestEnv(folder) });
  };
  const version =
    'FLATCAR_VERSION=4103.0.0+dev\nFLATCAR_VERSION_ID=4103.0.0\nFLATCAR_BUILD_ID="dev"\nFLATCAR_SDK_VERSION=4103.0.0+dev\n';
  writeFileAt(join(folder, 'sdk_container/.repo/manifests/version.txt'), version);
  writeFileAt(join(folder, 'sdk_container/.repo/manifests/mantle-container'), 'ghcr.io/x/mantle:git-1\n');
  writeFileAt(join(folder, 'ci-automation/ci-config.env'), '# settings\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Tree');
  return folder;
};

let sshd: TestSshd;
let world: World;

beforeAll(async () => {
  sshd = await startSshd({ folder: makeFolder('sshd') });
  const parts = { tags: TAGS, artifacts: ARTIFACTS, releases: ['3033.2.3'] };
  world = makeWorld(makeFolder('world'), makeSource(), sshd, parts);
});
afterAll(() => sshd.stop());

const another = (): World => copyWorld(world, join(makeFolder('copies'), 'world'));

describe('the step on a cache server', () => {
  test('deletes what is old and what has no tag, and says what in the result', async () => {
    const mine = another();
    const end = await runOurs(mine, sshd, ['2']);
    expect({ ...end, stderr: '' }).toMatchObject({ exitCode: 0 });
    expect(mine.files()).toEqual(STAYS);
    expect(mine.remoteTags()).toEqual([
      'main-4102.0.0-dev.1',
      'main-4103.0.0-dev',
      'stable-3033.2.3',
      'stable-3033.2.4-pro',
    ]);
    expect(readdirSync(join(mine.cache, '.staging'))).toEqual([]);
    // No cloud vendor is configured, so no container was started.
    expect(mine.calls()).toBe('');
    const again = await runOurs(mine, sshd, ['2']);
    expect([again.exitCode, mine.files()]).toEqual([0, STAYS]);
  });

  test.each([
    [{ DRY_RUN: 'y' }, []],
    [{}, ['--plan']],
    [{}, ['--dry-run']],
  ])(
    'with %j %j it says what it would delete and changes nothing, not even with credentials of a cloud',
    async (env, flags) => {
      const mine = another();
      const before = mine.state();
      const end = await runOurs(mine, sshd, [...flags, '2'], { ...env, AKAMAI_TOKEN: 'canary-secret' } as Record<
        string,
        string
      >);
      expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode: 0, stdout: '' });
      for (const path of ['images/amd64/4100.0.0+nightly-20260101-2100', 'testing/4999.0.0+gone'])
        expect(end.stderr).toContain(`would delete ${path} on`);
      expect(end.stderr).toContain(`:refs/tags/${OLD}`);
      expect(end.stderr).toContain('docker run --pull always --rm --net host --env AWS_ACCESS_KEY_ID');
      expect(end.stderr).not.toContain('canary');
      expect(mine.state()).toEqual(before);
      expect(mine.calls()).toBe('');
    },
  );

  test('works where there are neither awk nor grep nor a container engine', async () => {
    const mine = another();
    const bin = join(makeFolder('bin'), 'bin');
    writeFileAt(join(bin, '.keep'), '');
    for (const name of ['sh', 'env', 'git', 'dirname', 'readlink', 'uname', 'node', 'ssh', 'id', 'rm', 'mkdir']) {
      const found = ['/usr/bin', '/bin', '/usr/local/bin'].map((folder) => join(folder, name)).find(existsSync);
      if (found) symlinkSync(found, join(bin, name));
    }
    const end = await runOurs(mine, sshd, ['2'], { PATH: bin, SLIPWAY_NO_INSTALL: '1' });
    expect([end.exitCode, mine.files()]).toEqual([0, STAYS]);
  });

  test('a word in PURGE_VERSIONS that is no build ends it before anything happens', async () => {
    const mine = another();
    const before = mine.state();
    const end = await runOurs(mine, sshd, [], { PURGE_VERSIONS: `${OLD} stable-3033.2.3` });
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain('"stable-3033.2.3"');
    expect(mine.state()).toEqual(before);
  });

  test('a host key that is not known stops every deletion, and no tag is lost', async () => {
    const mine = another();
    const tags = mine.remoteTags();
    const known = writeFileAt(join(makeFolder(), 'known_hosts'), '');
    const end = await runOurs(mine, sshd, ['0'], { BUILDCACHE_KNOWN_HOSTS: known });
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('CACHE_HOST_KEY');
    expect([mine.files(), mine.remoteTags()]).toEqual([ARTIFACTS.toSorted((a, b) => (a < b ? -1 : 1)), tags]);
  });

  test('collectors can be called one by one', async () => {
    const mine = another();
    await runOurs(mine, sshd, ['--only', 'orphans', '--only', 'pr-sdks']);
    expect(mine.files()).toEqual(VERSIONS.flatMap(artifactsOf).sort());
    expect(mine.remoteTags()).toHaveLength(TAGS.length);
  });

  test('the collectors that the original has as functions of their own are steps with their own numbers', async () => {
    const mine = another();
    const prSdks = ['2020_01_02', '2020_01_03'].map((day) => `containers/1.2.3-github-${day}__03_04_05/x`);
    for (const path of [...prSdks, ...artifactsOf('3033.2.2')]) writeFileAt(join(mine.cache, path), '');
    const before = mine.files();
    const invalid = { PURGE_VERSIONS: 'not for them' };
    expect((await runOurs(mine, sshd, ['1', '7'], invalid, 'garbage_collect_github_ci')).exitCode).toBe(0);
    expect((await runOurs(mine, sshd, ['--', '1', '1'], {}, 'garbage_collect_releases')).exitCode).toBe(0);
    const gone = before.filter((path) => !mine.files().includes(path));
    // The SDK stays with the release of its major, and build logs are for --build-logs.
    const kept = /^(sdk|build-logs)\//;
    const expected: string[] = artifactsOf('3033.2.2').filter((path) => !kept.test(path));
    expect(new Set(gone)).toEqual(new Set([...expected, ...prSdks.slice(0, 1)]));
  });

  test('a folder with thousands of files goes quickly', async () => {
    const mine = another();
    for (let at = 0; at < 3000; at += 1)
      writeFileAt(join(mine.cache, 'boards/amd64-usr/4999.0.0+gone/pkgs', `p${at}`), '');
    await runOurs(mine, sshd, ['--only', 'orphans']);
    expect(existsSync(join(mine.cache, 'boards/amd64-usr/4999.0.0+gone'))).toBe(false);
  });
});

describeWithOriginal('garbage collection beside the original', () => {
  let flatcar: World;
  beforeAll(() => {
    // No releases and no SDKs of pull requests: there the original needs a gawk, and finds none of the latter.
    const tags = TAGS.filter(({ name }) => name !== 'stable-3033.2.3');
    const artifacts = [...ARTIFACTS.filter((path) => !/3033\.2\.3\//.test(path)), 'testing/no-version/x'];
    const folder = makeFolder('flatcar');
    flatcar = makeWorld(folder, originalTree() ?? '', sshd, { tags, artifacts, releases: ['3033.2.3'] });
  });

  test.each(['2', '2 45', '0 0', ''])('called with %j the same files and tags are left', async (words) => {
    const args = words.split(' ').filter(Boolean);
    const [theirs, mine] = [1, 2].map(() => copyWorld(flatcar, join(makeFolder('copies'), 'world'))) as [World, World];
    const original = runOriginal(theirs, sshd, args);
    const ours = await runOurs(mine, sshd, args);
    expect([ours.exitCode, original.exitCode]).toEqual([0, 0]);
    expect(mine.files()).toEqual(theirs.files());
    expect(mine.remoteTags()).toEqual(theirs.remoteTags());
  });
});
