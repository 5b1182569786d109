import { lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { slipwayError } from '../../../lib/errors/index.ts';
import type { RetentionProfile } from '../../../lib/retention/index.ts';
import { readTreeDescription } from '../../../lib/tree/index.ts';
import { makeOriginTemplate, type OriginTemplate } from '../../helpers/git-clone.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { writeFileAt } from '../../helpers/temp-files.ts';
import { type GarbageWorld, makeGarbageWorld, VERSION_FILE, versionText } from './garbage-world.ts';

const TREES = join(import.meta.dirname, '..', '..', '..', 'config', 'trees');
const makeFolder = useTempFolders();

let profile: RetentionProfile;
let template: OriginTemplate;
let world: GarbageWorld;
let cache: string;

beforeAll(async () => {
  profile = (await readTreeDescription(join(TREES, 'flatcar.yaml'))).garbage;
  template = await makeOriginTemplate({ [VERSION_FILE]: versionText('4000.0.0') });
});
afterAll(() => template.remove());
beforeEach(async () => {
  cache = makeFolder('cache');
  world = await makeGarbageWorld(profile, await template.copy(), cache, makeFolder());
});

const OLD = 'main-4100.0.0-nightly-20260101-2100';
const OLD_CACHE = '4100.0.0+nightly-20260101-2100';
const OLD_DOCKER = '4100.0.0-nightly-20260101-2100';

/** All that a build has in the cache. */
const artifactsOf = (cacheForm: string): string[] => {
  const docker = cacheForm.replaceAll('+', '-');
  return [
    `boards/amd64-usr/${cacheForm}/pkgs/a/b.tbz2`,
    `boards/arm64-usr/${cacheForm}/pkgs/Packages`,
    `build-logs/${cacheForm}/log.tar.xz`,
    `containers/${docker}/flatcar-images-amd64-${docker}.tar.gz`,
    `containers/${docker}/flatcar-packages-amd64-${docker}.tar.zst`,
    `containers/${docker}/flatcar-sdk-all-${docker}.id`,
    `images/amd64/${cacheForm}/version.txt`,
    `images/riscv/${cacheForm}/version.txt`,
    `provenance/${cacheForm}/vms-amd64.0123456789abcdef.intoto.json`,
    `sdk/amd64/${cacheForm}/flatcar-sdk.tar.bz2`,
    `testing/${cacheForm}/amd64/qemu/x.tap`,
  ];
};

const sorted = (paths: readonly string[]): string[] => paths.toSorted((a, b) => (a < b ? -1 : 1));

const tagsOnRemote = async (): Promise<string[]> =>
  Object.keys(await world.origin.refs()).filter((ref) => ref.startsWith('refs/tags/'));

describe('old builds', () => {
  test('go with everything they have and with their tag, and nothing else does', async () => {
    await world.tag(OLD, 30);
    await world.tag('main-4101.0.0-dev', 20);
    await world.tag('main-4102.0.0-dev', 1);
    await world.tag('stable-4000.0.0', 900);
    await world.tag('stable-3033.2.4-pro', 900);
    const stays = ['4101.0.0+dev', '4102.0.0+dev', '4000.0.0', '3033.2.4+pro', `${OLD_CACHE}-2`].flatMap(artifactsOf);
    world.put(...artifactsOf(OLD_CACHE), ...stays);
    const summary = await world.collect('builds', ['2', '14']);
    expect(world.files()).toEqual(sorted(stays));
    expect(summary.builds.tags).toEqual([OLD]);
    expect(summary.builds.deleted.toSorted()).toEqual([
      `boards/amd64-usr/${OLD_CACHE}`,
      `boards/arm64-usr/${OLD_CACHE}`,
      `build-logs/${OLD_CACHE}`,
      `containers/${OLD_DOCKER}`,
      `images/amd64/${OLD_CACHE}`,
      `images/riscv/${OLD_CACHE}`,
      `provenance/${OLD_CACHE}`,
      `sdk/amd64/${OLD_CACHE}`,
      `testing/${OLD_CACHE}`,
    ]);
    expect(await tagsOnRemote()).not.toContain(`refs/tags/${OLD}`);
    expect(await world.clone.run('tag')).not.toContain(OLD);
    expect(await world.clone.run('status', '--porcelain')).toBe('');
  });

  test('leave what somebody else put into the container folder', async () => {
    await world.tag(OLD, 30);
    world.put(...artifactsOf(OLD_CACHE), `containers/${OLD_DOCKER}/other`, `containers/${OLD_DOCKER}/.flatcar-sdk-x`);
    await world.collect('builds', ['0', '14']);
    expect(world.files()).toEqual([`containers/${OLD_DOCKER}/.flatcar-sdk-x`, `containers/${OLD_DOCKER}/other`]);
  });

  test('of an annotated tag the date of the tag counts, for the order and for the age', async () => {
    await world.tag('main-4100.0.0-signed', 1, { commitDays: 100, annotated: true });
    await world.tag('main-4101.0.0-plain', 50);
    const summary = await world.collect('builds', ['1', '14']).catch(() => undefined);
    // The cache is empty: nothing may be deleted, but it is said what would be.
    expect(summary).toBeUndefined();
    expect(world.said()).toMatch(/keep main-4100\.0\.0-signed: number 1 of the 1 newest\ndelete main-4101\.0\.0-plain/);
  });

  test('that this clone has never fetched are known all the same, and the clone stays as it is', async () => {
    const other = await makeGarbageWorld(profile, world.origin, cache, makeFolder());
    await other.tag(OLD, 30);
    await other.tag('main-4101.0.0-signed', 3, { annotated: true, commitDays: 100 });
    world.put(...artifactsOf(OLD_CACHE), ...artifactsOf('4101.0.0+signed'));
    const before = await world.clone.state();
    expect((await world.collect('builds', ['1', '14'])).builds.tags).toEqual([OLD]);
    expect(world.files()).toEqual(sorted(artifactsOf('4101.0.0+signed')));
    expect(await world.clone.state()).toBe(before);
  });

  test('that are only in this clone stay and take nobody’s place', async () => {
    await world.tag('main-4101.0.0-mine', 1, { push: false });
    await world.tag(OLD, 30);
    world.put(...artifactsOf(OLD_CACHE));
    await world.collect('builds', ['1', '0']);
    expect(world.files()).toEqual(sorted(artifactsOf(OLD_CACHE)));
  });

  test.each([
    ['empty', ''],
    ['missing', null],
    ['without a value', 'FLATCAR_VERSION=\nFLATCAR_SDK_VERSION=4000.0.0\n'],
    ['without the version', 'FLATCAR_SDK_VERSION=4000.0.0\n'],
    ['of a release', versionText('4000.0.0')],
    ['of another build', versionText('4102.0.0+dev')],
    ['a program', 'FLATCAR_VERSION=$(rm -rf /)\nFLATCAR_SDK_VERSION=1.0.0\n'],
    ['a way out', versionText('../../4100.0.0+nightly-20260101-2100')],
    ['a blank', 'FLATCAR_VERSION="4100.0.0+nightly-20260101-2100 /"\nFLATCAR_SDK_VERSION=1.0.0\n'],
  ])('with a version file that is %s: nothing is deleted for it, and the next one is not affected', async (_, text) => {
    await world.tag(OLD, 30, { text });
    await world.tag('main-4050.0.0-dev', 40);
    const stays = [OLD_CACHE, '4000.0.0', '4102.0.0+dev'].flatMap(artifactsOf);
    world.put(...stays, ...artifactsOf('4050.0.0+dev'));
    const { builds } = await world.collect('builds', ['0', '0']);
    expect(builds.tags).toEqual(['main-4050.0.0-dev']);
    expect(world.files()).toEqual(sorted(stays));
    expect(world.said()).toContain(`${OLD} stays, and nothing is deleted for it`);
  });

  test('a cache that is empty or not mounted costs no tag', async () => {
    await world.tag(OLD, 30);
    await expect(world.collect('builds', ['0', '0'])).rejects.toMatchObject({ code: 'CACHE_EMPTY' });
    expect(await tagsOnRemote()).toContain(`refs/tags/${OLD}`);
  });

  test('one that cannot be deleted keeps its tag and does not stop the others; the failure is told at the end', async () => {
    await world.tag(OLD, 30);
    await world.tag('main-4101.0.0-dev', 20);
    world.put(...artifactsOf(OLD_CACHE), ...artifactsOf('4101.0.0+dev'));
    const broken = {
      ...world.store,
      remove: async (path: string) => {
        if (!path.endsWith(OLD_CACHE)) return world.store.remove(path);
        throw slipwayError('CACHE_WRITE_FAILED', { location: cache, path, doing: 'delete', reason: 'denied' });
      },
    };
    await expect(world.collect('builds', ['0', '0'], { store: broken })).rejects.toMatchObject({
      code: 'GARBAGE_LEFT',
    });
    expect(await tagsOnRemote()).toEqual([`refs/tags/${OLD}`]);
    expect(world.files().some((path) => path.includes('4101'))).toBe(false);
    await world.collect('builds', ['0', '0']);
    expect([await tagsOnRemote(), world.files()]).toEqual([[], []]);
  });

  test('a tag that the remote refuses to delete is told, the others go', async () => {
    await world.tag(OLD, 30);
    await world.tag('main-4101.0.0-dev', 20);
    await world.origin.hook('update', `case "$1" in *${OLD}) exit 1;; esac`);
    world.put('images/amd64/1.2.3/x');
    await expect(world.collect('builds', ['0', '0'])).rejects.toMatchObject({ code: 'TAG_NOT_DELETED' });
    expect(await tagsOnRemote()).toEqual([`refs/tags/${OLD}`]);
    expect(await world.clone.run('tag')).toBe(OLD);
  });

  test('a tag that somebody made anew after it was judged stays on the remote', async () => {
    await world.tag(OLD, 30);
    world.put(...artifactsOf(OLD_CACHE));
    const racing = {
      ...world.store,
      remove: async (path: string) => {
        await world.clone.run('push', '--quiet', '--force', 'origin', `HEAD:refs/tags/${OLD}`);
        return world.store.remove(path);
      },
    };
    await expect(world.collect('builds', ['0', '0'], { store: racing })).rejects.toMatchObject({
      code: 'TAG_NOT_DELETED',
      message: expect.stringContaining('made it anew'),
    });
    expect(await tagsOnRemote()).toContain(`refs/tags/${OLD}`);
  });

  test('named in PURGE_VERSIONS go whatever their age, and no others', async () => {
    await world.tag(OLD, 300);
    await world.tag('main-4101.0.0-dev', 0);
    world.put(...artifactsOf(OLD_CACHE), ...artifactsOf('4101.0.0+dev'));
    const purge = 'main-4101.0.0-dev main-4999.0.0-gone';
    expect((await world.collect('builds', [], { purge })).builds.tags).toEqual(['main-4101.0.0-dev']);
    expect(world.files()).toEqual(sorted(artifactsOf(OLD_CACHE)));
    expect(world.said()).toContain('There is no tag main-4999.0.0-gone');
    await expect(world.collect('builds', [], { purge })).rejects.toMatchObject({ code: 'PURGE_NOTHING_FOUND' });
    await expect(world.collect('builds', [], { purge: ' ' })).rejects.toMatchObject({ code: 'PURGE_NOTHING_FOUND' });
  });
});

describe('orphans', () => {
  test('a build whose tag is newer than this clone keeps its artifacts', async () => {
    const other = await makeGarbageWorld(profile, world.origin, cache, makeFolder());
    await other.tag(OLD, 0);
    world.put(...artifactsOf(OLD_CACHE), ...artifactsOf('4999.0.0+gone'));
    await world.collect('orphans');
    expect(world.files()).toEqual(sorted([...artifactsOf(OLD_CACHE), 'images/riscv/4999.0.0+gone/version.txt']));
  });

  test('a tag that was pushed while the cache was being listed protects its build', async () => {
    await world.tag('main-4101.0.0-dev', 1);
    const listing = {
      ...world.store,
      list: async (folder: string) => {
        world.put(...artifactsOf(OLD_CACHE));
        const names = await world.store.list(folder);
        if (folder === 'build-logs') await world.tag(OLD, 0);
        return names;
      },
    };
    await world.collect('orphans', [], { store: listing });
    expect(world.files()).toEqual(sorted(artifactsOf(OLD_CACHE)));
  });

  test('a tag that is only in this clone protects too', async () => {
    await world.tag(OLD, 1, { push: false });
    world.put(...artifactsOf(OLD_CACHE));
    await world.collect('orphans');
    expect(world.files()).toEqual(sorted(artifactsOf(OLD_CACHE)));
  });

  test('none of two thousand tagged builds is one', async () => {
    const names = Array.from({ length: 2000 }, (_, at) => `${1000 + at}.0.0-nightly-20260101-2100`);
    const head = await world.clone.run('rev-parse', 'HEAD');
    const lines = names.map((name) => `create refs/tags/main-${name} ${head}\n`).join('');
    await world.clone.runner.run(['git', '--git-dir', world.origin.folder, 'update-ref', '--stdin'], { input: lines });
    for (const name of names) mkdirSync(join(cache, 'testing', name.replace('-', '+')), { recursive: true });
    mkdirSync(join(cache, 'testing', '999.0.0+gone'));
    const { orphans } = await world.collect('orphans');
    expect(orphans.deleted).toEqual(['testing/999.0.0+gone']);
  });

  test('many at once, or a released version, are refused with a list; --yes-really deletes them', async () => {
    await world.tag('main-81.2.3', 1);
    const names = ['1.2.3', ...Array.from({ length: 6 }, (_, at) => `1.0.${at}+gone`)];
    world.put(...names.map((name) => `testing/${name}/x`), 'testing/81.2.3/x');
    await expect(world.collect('orphans')).rejects.toMatchObject({
      code: 'ORPHANS_DOUBTFUL',
      message: expect.stringContaining('testing/1.2.3 is a released version; 7 of the 8 names in testing'),
      hint: expect.stringContaining('testing/1.0.5+gone'),
    });
    expect(world.files()).toHaveLength(8);
    await world.collect('orphans', [], { yesReally: true });
    expect(world.files()).toEqual(['testing/81.2.3/x']);
  });

  test('nothing is deleted when there is no tag, or when the remote does not answer', async () => {
    world.put('testing/1.2.3+a/x');
    await expect(world.collect('orphans')).rejects.toMatchObject({ code: 'ORPHANS_DOUBTFUL' });
    await world.tag(OLD, 1);
    await world.clone.run('remote', 'set-url', 'origin', '/does/not/exist');
    await expect(world.collect('orphans')).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(world.files()).toEqual(['testing/1.2.3+a/x']);
  });

  test('of a link the link goes, and what it leads to stays', async () => {
    await world.tag(OLD, 1);
    world.put(...artifactsOf(OLD_CACHE));
    symlinkSync(OLD_CACHE, join(cache, 'testing', 'latest'));
    await world.collect('orphans');
    expect(world.files()).toEqual(sorted(artifactsOf(OLD_CACHE)));
    expect(() => lstatSync(join(cache, 'testing', 'latest'))).toThrow('ENOENT');
  });

  test('what is left of a purged build is one in the same run', async () => {
    await world.tag(OLD, 30);
    await world.tag('main-4101.0.0-dev', 1);
    world.put(...artifactsOf(OLD_CACHE), `containers/${OLD_DOCKER}/other`, ...artifactsOf('4101.0.0+dev'));
    await world.collect('builds,orphans', ['1', '0']);
    expect(world.files()).toEqual(sorted(artifactsOf('4101.0.0+dev')));
  });
});

describe('SDK images of pull requests', () => {
  test('go with the statements on them, and no other collector takes those', async () => {
    await world.tag(OLD, 1);
    const names = ['2020_01_02__03_04_05', '2020_01_03__03_04_05'].map((date) => `1.2.3-github-${date}`);
    for (const name of names) {
      const file = 'sdk_container.0123456789abcdef.intoto.json';
      world.put(`containers/${name}/x`, `provenance/${name.replace('-', '+')}/${file}`);
    }
    await world.collect('orphans');
    expect(world.files()).toHaveLength(4);
    const { 'pr-sdks': collected } = await world.collect('pr-sdks', ['1', '0']);
    expect(collected.deleted).toEqual([`containers/${names[0]}`, `provenance/${names[0]?.replace('-', '+')}`]);
    expect(world.files()).toHaveLength(2);
  });
});

describe('releases', () => {
  const feedWith = (text: string): string => `file://${writeFileAt(join(makeFolder(), 'releases.json'), text)}`;
  const feed = (): string => feedWith('{"4600.0.0":{},"4593.1.0":{},"4593.0.0":{},"4547.0.0":{}}');

  test('old ones go from each folder; an SDK stays as long as a release of its major does; build logs stay', async () => {
    world.put(
      ...['4601.0.0', '4600.0.0', '4593.1.0', '4593.0.0', '4547.0.0'].flatMap(artifactsOf),
      'testing/4.5.6+a/x',
    );
    await world.collect('releases', ['1', '2'], { feed: feed() });
    const left = world.files();
    const has = (path: string): boolean => left.some((file) => file.startsWith(`${path}/`));
    for (const name of ['4601.0.0', '4600.0.0', '4593.1.0']) expect(has(`images/amd64/${name}`)).toBe(true);
    const folders = ['containers', 'sdk/amd64', 'provenance'];
    expect(folders.map((folder) => has(`${folder}/4593.0.0`))).toEqual([false, true, true]);
    expect(folders.map((folder) => has(`${folder}/4547.0.0`))).toEqual([false, false, false]);
    expect([has('build-logs/4547.0.0'), has('testing/4.5.6+a')]).toEqual([true, true]);
  });

  test.each(['', '{}', '<html>', '{"message": "not found"}'])('none goes with the list %j', async (text) => {
    world.put(...artifactsOf('4547.0.0'));
    await expect(world.collect('releases', [], { feed: feedWith(text) })).rejects.toMatchObject({
      code: 'RELEASE_FEED_UNUSABLE',
    });
    expect(world.files()).toEqual(sorted(artifactsOf('4547.0.0')));
  });
});

describe('cloud vendors', () => {
  const env = { AKAMAI_TOKEN: 'canary-secret' };
  const cloudTools = (values: Record<string, string>) => {
    const effects = {
      run: async (command: readonly string[]) => {
        world.commands.push(command);
        return { exitCode: 0, stdout: '', stderr: '', durationMs: 0 };
      },
      start: () => {
        throw new Error('not used');
      },
    };
    return { cloud: { engine: ['docker'] as [string], env: values, root: world.clone.folder, effects } };
  };

  test('the collector of the tree is called with the names of the variables and no value', async () => {
    await world.clone.write('sdk_container/.repo/manifests/mantle-container', 'ghcr.io/x/mantle:git-1\n');
    await world.collect('cloud', [], cloudTools(env));
    const names =
      'AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_CREDENTIALS DIGITALOCEAN_TOKEN_JSON GCP_JSON_KEY VMWARE_ESX_CREDS ' +
      'BRIGHTBOX_CLIENT_ID BRIGHTBOX_CLIENT_SECRET AKAMAI_TOKEN STACKIT_SERVICE_ACCOUNT STACKIT_PROJECT_ID';
    const variables = names.split(' ').map((name) => `--env ${name}`);
    expect(world.commands.map((command) => command.join(' '))).toEqual([
      `docker run --pull always --rm --net host ${variables.join(' ')} -w /work -v ${world.clone.folder}:/work ` +
        'ghcr.io/x/mantle:git-1 /work/ci-automation/garbage_collect_cloud.sh',
    ]);
    expect(JSON.stringify(world.events)).not.toContain('canary');
  });

  test('without credentials it is left out, with a word', async () => {
    await world.collect('cloud', [], cloudTools({ AKAMAI_TOKEN: '' }));
    expect(world.commands).toEqual([]);
    expect(world.said()).toContain('Skipped: no cloud vendor is configured');
  });

  test('its failure does not stop the collectors after it', async () => {
    world.put('containers/1.2.3-github-2020_01_02__03_04_05/x');
    await expect(world.collect('cloud,pr-sdks', [], cloudTools(env))).rejects.toMatchObject({
      code: 'CLOUD_IMAGE_UNREADABLE',
    });
    expect(world.said()).toContain('keep containers/1.2.3-github-2020_01_02__03_04_05: number 1 of the 20 newest');
  });
});

test('a cache that does not answer is no empty cache: nothing is deleted, and it is asked once', async () => {
  await world.tag(OLD, 30);
  let asked = 0;
  const unreachable = {
    ...world.store,
    list: async () => {
      asked += 1;
      throw slipwayError('CACHE_UNREACHABLE', { host: 'h', tries: 1, doing: 'list', problem: 'gone' });
    },
  };
  const only = 'builds,orphans,pr-sdks,releases';
  await expect(world.collect(only, ['0', '0'], { store: unreachable })).rejects.toMatchObject({
    code: 'CACHE_UNREACHABLE',
  });
  expect(asked).toBe(1);
  expect(await tagsOnRemote()).toEqual([`refs/tags/${OLD}`]);
});
