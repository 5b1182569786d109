import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { docker } from '../../helpers/conformance-docker.ts';
import { useStage } from '../../helpers/conformance-stage.ts';
import type { StepEnd } from '../../helpers/conformance-step.ts';
import { editEnvFile, type ReleaseWorld, SECRET_WORDS, useReleases } from '../../helpers/release-world.ts';
import { listTree } from '../../helpers/temp-files.ts';

const stage = useStage();
const releases = useReleases(stage);
const VERSION = '4500.0.0';

const run = ({ world, env }: ReleaseWorld, ...words: string[]): Promise<StepEnd> =>
  world.run('slipway', 'release', words, env);

interface Phase {
  readonly phase: string;
  readonly outcome: string;
  readonly reason?: string;
}

const resultOf = ({ world }: ReleaseWorld) =>
  JSON.parse(world.read('tree/__build__/slipway/release.json')) as {
    summary?: { phases: Phase[] };
    error?: { code: string; hint?: string };
    outputs: { path: string }[];
  };

const outcomes = (release: ReleaseWorld): Record<string, string> =>
  Object.fromEntries((resultOf(release).summary?.phases ?? []).map(({ phase, outcome }) => [phase, outcome]));

/** Commands that the publisher ran, without the files that were handed to it. */
const commands = (release: ReleaseWorld): string[] =>
  release
    .recorded()
    .split('\n')
    .filter((line) => line.startsWith('/') || line.startsWith(':'));

/** Files of the world in which a secret is; those that stand for the operator's own are left out. */
const filesWithSecrets = ({ world }: ReleaseWorld): string[] => {
  const args = [
    '--recursive',
    '--files-with-matches',
    '--fixed-strings',
    ...SECRET_WORDS.flatMap((word) => ['-e', word]),
  ];
  const found = execFileSync('sh', ['-c', 'grep "$@" || [ $? = 1 ]', 'sh', ...args, 'tree', 'home', 'tmp', 'cache'], {
    cwd: world.folder,
    encoding: 'utf8',
  });
  return found
    .split('\n')
    .filter((file) => file !== '' && !['tree/sdk_container/.env', 'tree/recorded'].includes(file));
};

/** Nothing that was lent is left, and nothing of it was said. */
const expectNoSecrets = (release: ReleaseWorld, { stdout, stderr }: StepEnd): void => {
  for (const word of SECRET_WORDS) expect(stdout + stderr).not.toContain(word);
  expect(filesWithSecrets(release)).toEqual([]);
  expect(readdirSync(join(release.world.tree, '__build__/slipway'))).toEqual(['events', 'release.json']);
  expect(release.world.exists('home/.docker')).toBe(false);
};

const FILE = '/run/slipway-credentials';
const preRelease = (platform: string, arch: string): string =>
  `/${platform}-${arch}: plume pre-release --force --debug --platform=${platform} --aws-credentials=${FILE}/AWS_CREDENTIALS --gce-json-key=none --board=${arch}-usr --channel=alpha --version=${VERSION} --write-image-list=images.json`;
const offer = (arch: string): string =>
  `/release-${arch}: plume release --debug --aws-credentials=${FILE}/AWS_CREDENTIALS --aws-marketplace-credentials=${FILE}/AWS_MARKETPLACE_CREDENTIALS --publish-marketplace --access-role-arn=arn:aws:iam::123456:role/marketplace --product-ids=id-${arch} --gce-json-key=${FILE}/GCP_JSON_KEY --gce-release-key=${FILE}/GOOGLE_RELEASE_CREDENTIALS --board=${arch}-usr --channel=alpha --version=${VERSION}`;
const UPLOAD =
  ': aws s3 cp --recursive --acl public-read cloudformation-files/ s3://flatcar-prod-ami-import-eu-central-1/dist/aws/';

describe('a release of an OS with its SDK', () => {
  test('does everything that the original does, can be run again, and leaves no secret', async () => {
    const release = await releases.open(VERSION);
    const { world } = release;
    const end = await run(release);
    expect({ ...end, stderr: end.exitCode === 0 ? '' : end.stderr }).toMatchObject({ exitCode: 0, stderr: '' });
    expect(Object.values(outcomes(release))).toEqual(Array(7).fill('done'));
    expect(commands(release)).toEqual([
      preRelease('aws', 'amd64'),
      preRelease('aws', 'arm64'),
      preRelease('azure', 'amd64'),
      preRelease('azure', 'arm64'),
      offer('amd64'),
      offer('arm64'),
      UPLOAD,
    ]);
    for (const name of ['AwsSecretKey', 'MarketSecretKey', 'GoogleSecretKey', 'ReleaseSecretKey', 'TemplateSecretKey'])
      expect(release.recorded()).toContain(name);

    const lists = listTree(world.cache).filter((path) => path.includes('flatcar_production_ami_'));
    const named = (name: string): string[] =>
      ['', '.DIGESTS', '.DIGESTS.asc', '.DIGESTS.sig', '.sig'].map((end) => name + end);
    expect(lists).toEqual(
      ['amd64', 'arm64'].flatMap((arch) =>
        ['flatcar_production_ami_all.json', 'flatcar_production_ami_hvm_eu-central-1.txt'].flatMap((name) =>
          named(`images/${arch}/${VERSION}/${name}`),
        ),
      ),
    );
    for (const arch of ['', '-arm64']) {
      const file = `tree/cloudformation-files/flatcar-alpha${arch}-hvm.template`;
      const template = JSON.parse(world.read(file)) as { Mappings: { RegionMap: object } };
      expect(Object.keys(template.Mappings.RegionMap)).toHaveLength(21);
      expect(template.Mappings.RegionMap).toMatchObject({ 'me-south-1': { AMI: 'ami-me-south-1' } });
    }
    const copied = listTree(release.bucket).filter((path) => !/\.(DIGESTS|sig|asc)/.test(path));
    expect(new Set(copied)).toEqual(
      new Set([
        `flatcar/alpha/amd64-usr/${VERSION}/flatcar_production_ami_all.json`,
        `flatcar/alpha/amd64-usr/${VERSION}/flatcar_production_ami_hvm_eu-central-1.txt`,
        `flatcar/alpha/amd64-usr/${VERSION}/flatcar_production_image.bin.bz2`,
        `flatcar/alpha/arm64-usr/${VERSION}/flatcar_production_ami_all.json`,
        `flatcar/alpha/arm64-usr/${VERSION}/flatcar_production_ami_hvm_eu-central-1.txt`,
        `flatcar/alpha/arm64-usr/${VERSION}/flatcar_production_image.bin.bz2`,
        `flatcar/mirror/boards/amd64-usr/${VERSION}/pkgs/Packages`,
        `flatcar/mirror/boards/arm64-usr/${VERSION}/pkgs/Packages`,
        ...['all', 'amd64', 'arm64'].flatMap((flavour) =>
          ['id', 'tar.zst'].map(
            (end) => `flatcar/mirror/containers/${VERSION}/flatcar-sdk-${flavour}-${VERSION}.${end}`,
          ),
        ),
        `flatcar/mirror/sdk/amd64/${VERSION}/flatcar-sdk-amd64-${VERSION}.tar.bz2`,
      ]),
    );
    for (const flavour of ['all', 'amd64', 'arm64'])
      expect(JSON.parse(release.tagsOf(`flatcar-sdk-${flavour}`))).toMatchObject({ tags: [VERSION] });
    expect(world.read('tree/ci-cleanup.sh')).toBe(`docker rm -f 'flatcar-publish-${VERSION}'\n`);
    expectNoSecrets(release, end);

    const again = await run(release);
    expect(again.exitCode).toBe(0);
    expectNoSecrets(release, again);
  }, 120_000);

  test('goes on from the phase that failed, in a new checkout too', async () => {
    const release = await releases.open(VERSION);
    const { world } = release;
    world.write(
      'tree/behave-plume',
      'case $1 in release) echo "denied: $(cat /run/slipway-credentials/AWS_CREDENTIALS)" >&2; exit 9;; esac\n',
    );
    const end = await run(release, 'publish-images');
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('To go on from here: release offers templates image-lists');
    expect(resultOf(release).error).toMatchObject({
      code: 'COMMAND_FAILED',
      hint: expect.stringContaining('***'),
    });
    expectNoSecrets(release, end);

    world.write('tree/behave-plume', '');
    expect((await run(release, 'image-lists')).exitCode).toBe(0);
    // The lists are in the cache now, and no longer in the checkout.
    for (const arch of ['amd64', 'arm64']) execFileSync('rm', ['-r', join(world.tree, `aws-${arch}`)]);
    execFileSync('rm', [join(world.tree, 'recorded')]);
    const templates = await run(release, 'templates');
    expect(templates.exitCode).toBe(0);
    expect(commands(release)).toEqual([UPLOAD]);
    expect(existsSync(join(world.tree, 'cloudformation-files/flatcar-alpha-hvm.template'))).toBe(true);
  }, 120_000);

  test('does not take the lists that the release of another version left', async () => {
    const release = await releases.open(VERSION);
    release.world.write('tree/aws-amd64/flatcar_production_ami_all.json', '{}');
    release.world.write('tree/aws-amd64/.slipway-version', '4499.0.0');
    const end = await run(release, 'image-lists');
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('RELEASE_LISTS_MISSING');
  }, 60_000);

  test('frees the container and the credentials when it is interrupted', async () => {
    const release = await releases.open(VERSION);
    const { world, env } = release;
    world.write('tree/behave-plume', ': >/work/hangs; sleep 600\n');
    const step = world.start('slipway', 'release', ['pre-release'], env);
    await step.until(() => world.exists('tree/hangs'));
    process.kill(step.pid, 'SIGTERM');
    const end = await step.done;
    expect(end.exitCode).toBe(143);
    expect(docker('ps', '--all', '--quiet', '--filter', `name=flatcar-publish-${VERSION}`)).toBe('');
    expectNoSecrets(release, end);
  }, 60_000);
});

describe('phases without what they need', () => {
  test('are skipped, each with a line, when no credentials are set (defect 30: the original ended with an unbound variable)', async () => {
    const release = await releases.open(VERSION);
    execFileSync('rm', [join(release.world.tree, 'sdk_container/.env')]);
    const end = await run(release);
    expect(end.exitCode).toBe(0);
    expect(Object.values(outcomes(release))).toEqual(Array(7).fill('skipped'));
    expect(end.stderr).toContain('sdk-images: skipped, because REGISTRY_USERNAME, REGISTRY_PASSWORD not set.');
    expect(end.stderr).toContain('copy: skipped, because RCLONE_CONFIGURATION_FILE not set.');
    expect([release.recorded(), listTree(release.bucket), release.world.exists('tree/ci-cleanup.sh')]).toEqual([
      '',
      [],
      false,
    ]);
  }, 60_000);

  test('leave the others alone', async () => {
    const release = await releases.open(VERSION);
    editEnvFile(release.world, (text) => text.replaceAll(/^.*(AWS|GCP|GOOGLE|REGISTRY).*\n/gm, ''));
    expect((await run(release)).exitCode).toBe(0);
    expect(outcomes(release)).toMatchObject({
      'pre-release': 'skipped',
      'image-lists': 'skipped',
      copy: 'done',
      'sdk-images': 'skipped',
    });
  }, 60_000);

  test('are an error when only a part of the credentials is set, and nothing happens', async () => {
    const release = await releases.open(VERSION);
    editEnvFile(release.world, (text) => text.replace(/^.*REGISTRY_PASSWORD.*\n/m, ''));
    const end = await run(release);
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain('REGISTRY_PASSWORD is missing, while REGISTRY_USERNAME is there');
    expect([release.recorded(), listTree(release.bucket)]).toEqual(['', []]);
  }, 60_000);

  test('are an error before anything happens when product-ids.json is not there', async () => {
    const release = await releases.open(VERSION);
    execFileSync('rm', [join(release.world.tree, 'product-ids.json')]);
    const end = await run(release);
    expect([end.exitCode, release.recorded()]).toEqual([2, '']);
    expect(end.stderr).toContain('product-ids.json');
  }, 60_000);

  test('that bring a new SDK are skipped when the OS is built with an older one', async () => {
    const release = await releases.open(VERSION, '4490.0.0');
    const end = await run(release, 'sdk-images', 'sdk-copy');
    expect([end.exitCode, outcomes(release)]).toEqual([0, { 'sdk-images': 'skipped', 'sdk-copy': 'skipped' }]);
    expect(end.stderr).toContain('4500.0.0 is built with the SDK 4490.0.0');
  }, 60_000);

  test('that do not exist are refused with the nearest name', async () => {
    const release = await releases.open(VERSION, '4490.0.0');
    const end = await run(release, 'sdk-image');
    expect([end.exitCode, end.stderr.includes("Did you mean 'sdk-images'?")]).toEqual([2, true]);
  }, 60_000);
});

describe('copies to the buckets', () => {
  test('are all tried, and one that failed fails the step (defect 30: the original went on and ended with 0)', async () => {
    const release = await releases.open(VERSION, '4490.0.0');
    execFileSync('rm', ['-r', join(release.world.cache, `boards/amd64-usr/${VERSION}`)]);
    const end = await run(release, 'copy');
    expect(end.exitCode).toBe(1);
    expect(resultOf(release).error).toMatchObject({ code: 'RELEASE_COPIES_FAILED' });
    expect(end.stderr).toContain('1 of 5 copies to the buckets failed: the packages for amd64.');
    expect(listTree(release.bucket)).toEqual([
      `flatcar/alpha/amd64-usr/${VERSION}/flatcar_production_image.bin.bz2`,
      `flatcar/alpha/arm64-usr/${VERSION}/flatcar_production_image.bin.bz2`,
      `flatcar/mirror/boards/arm64-usr/${VERSION}/pkgs/Packages`,
      `flatcar/mirror/containers/${VERSION}/x.id`,
    ]);
    expectNoSecrets(release, end);
  }, 120_000);

  test('of a development version find its containers, whose folder has the docker-safe name', async () => {
    const release = await releases.open('4500.0.0+dev-1', '4490.0.0');
    const end = await run(release, 'copy');
    expect([end.exitCode, end.stderr.includes('is no official version')]).toEqual([0, true]);
    expect(listTree(release.bucket)).toContain('flatcar/mirror/containers/4500.0.0-dev-1/x.id');
  }, 120_000);
});

test('a registry that refuses the login ends the step, and the password is nowhere', async () => {
  const release = await releases.open(VERSION);
  editEnvFile(release.world, (text) => text.replace('registry-pass-77', 'wrong-pass-4711'));
  const end = await run(release, 'sdk-images');
  expect(end.exitCode).toBe(1);
  expect(end.stdout + end.stderr).not.toContain('wrong-pass-4711');
  expectNoSecrets(release, end);
}, 60_000);

test('a plan says every effect and has none', async () => {
  const release = await releases.open(VERSION);
  const before = listTree(release.world.folder);
  const end = await run(release, '--plan');
  expect(end.exitCode).toBe(0);
  for (const text of [
    'plume pre-release --force',
    'plume release --debug',
    'aws s3 cp',
    `publish to images/arm64/${VERSION}`,
    `r2:flatcar/mirror/sdk/amd64/${VERSION}`,
    'login 127.0.0.1',
    'push 127.0.0.1',
  ])
    expect(end.stderr).toContain(text);
  for (const word of SECRET_WORDS) expect(end.stdout + end.stderr).not.toContain(word);
  expect(listTree(release.world.folder).filter((path) => !before.includes(path))).toEqual([]);
  expect(readFileSync(join(release.world.tree, 'sdk_container/.env'), 'utf8')).toContain('AWS_CREDENTIALS');
}, 60_000);
