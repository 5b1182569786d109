import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createContainerCache, createEngine } from '../../lib/container/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { docker } from './conformance-docker.ts';
import type { Stage } from './conformance-stage.ts';
import type { TreeKind } from './conformance-tree.ts';
import type { ConformanceWorld, StepEnv } from './conformance-world.ts';
import { importImage, REGISTRY_LOGIN, startBucket, startRegistry, type TestServer } from './release-servers.ts';

/** The tools' container image as the tree names it. */
const RCLONE = 'docker.io/rclone/rclone:1.71.1';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Contents of the credential files; each has a key that must never be seen. */
export const SECRETS = {
  AWS_CREDENTIALS: '[default]\naws_secret_access_key = AwsSecretKeyAwsSecretKey\n',
  AWS_MARKETPLACE_CREDENTIALS: '[default]\naws_secret_access_key = MarketSecretKeyMarketKey\n',
  AWS_CLOUDFORMATION_CREDENTIALS: '[default]\naws_secret_access_key = TemplateSecretKeyTemplate\n',
  GCP_JSON_KEY: '{"private_key":"GoogleSecretKeyGoogleKey"}',
  GOOGLE_RELEASE_CREDENTIALS: '{"private_key":"ReleaseSecretKeyRelease1"}',
} as const;

/** What must not be in any output or file. */
export const SECRET_WORDS = [
  ...Object.values(SECRETS).map((text) => /\w*SecretKey\w*/.exec(text)?.[0] ?? ''),
  ...Object.values(SECRETS).map(base64),
  REGISTRY_LOGIN.password,
  'BucketSecretBucketSecret',
];

/** Writes down how it was called, by which folder, and what was in the files that were handed to it. */
const RECORD = `#!/usr/bin/bash
set -e
{
  printf '%s: ' "\${PWD#/work}"; printf '%s' "\${0##*/}"; printf ' %s' "$@"; echo
  for word; do case $word in --*=/*) echo "  \${word%%=*} has $(cat "\${word#*=}")";; esac; done
  [ -z "\${AWS_SHARED_CREDENTIALS_FILE:-}" ] || echo "  environment has $(cat "$AWS_SHARED_CREDENTIALS_FILE")"
} >>/work/recorded
`;

const PLUME = `${RECORD}
case " $* " in
  *' --platform=aws '*)
    cp /work/list.json flatcar_production_ami_all.json
    echo ami-0 >flatcar_production_ami_hvm_eu-central-1.txt
    echo '[]' >images.json;;
esac
if [ -e /work/behave-plume ]; then . /work/behave-plume; fi
`;

/** AWS_CREDENTIALS and so on as a CI writes them into the tree. */
const envFile = (bucket: string): string =>
  [
    ...Object.entries(SECRETS).map(([name, text]) => `export ${name}="${base64(text)}"`),
    'export AWS_MARKETPLACE_ARN="arn:aws:iam::123456:role/marketplace"',
    `export REGISTRY_USERNAME="${REGISTRY_LOGIN.user}"`,
    `export REGISTRY_PASSWORD="${REGISTRY_LOGIN.password}"`,
    `export RCLONE_CONFIGURATION_FILE="${base64(`[r2]\ntype = webdav\nurl = http://${bucket}\nvendor = other\n# pass = BucketSecretBucketSecret\n`)}"`,
    '',
  ].join('\n');

/** In the publisher's image: what our scripts use, and what the original's need beyond. */
const PROGRAMS = [
  ...['bash', 'cat', 'rm', 'mkdir', 'cp', 'chown', 'sleep'],
  ...[
    'git',
    'jq',
    'perl',
    'sed',
    'grep',
    'cut',
    'head',
    'tr',
    'dirname',
    'basename',
    'mktemp',
    'truncate',
    'base64',
    'date',
    'id',
  ],
];

/** A version that is built and in the cache, and what a release needs. */
export interface ReleaseWorld {
  readonly world: ConformanceWorld;
  /** For the release step. */
  readonly env: StepEnv;
  /** Folder of the bucket. */
  readonly bucket: string;
  /** What the publisher's programs wrote down. */
  recorded(): string;
  /** Tags of an image in the registry. */
  tagsOf(name: string): string;
}

/** Servers and images of the releases of a test file. */
export interface ReleaseStage {
  /** A new world. @param version of the OS @param sdkVersion default: the same @param kind of the tree */
  open(version: string, sdkVersion?: string, kind?: TreeKind): Promise<ReleaseWorld>;
}

const REGIONS =
  'eu-central-1 ap-northeast-1 ap-northeast-2 af-south-1 ca-central-1 ap-south-1 sa-east-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 us-east-1 us-east-2 us-west-2 us-west-1 eu-west-1 eu-west-2 eu-west-3 eu-north-1 eu-south-1 ap-east-1 me-south-1'.split(
    ' ',
  );

/** The SDK images as sdk_container publishes them. */
const publishSdk = async (world: ConformanceWorld, version: string): Promise<void> => {
  const runner = createRunner({ cwd: world.folder, env: process.env });
  const engine = createEngine({
    name: 'docker',
    command: ['docker'],
    info: { storage: { kind: 'graph' } },
    query: runner,
    effects: runner,
  });
  const store = createStore(
    { dir: world.cache, user: '', pathPrefix: '', sshPort: 22 },
    { log: silentLog, runner, signal: new AbortController().signal },
  );
  const containers = createContainerCache({
    engine,
    cache: createArtifactCache({ store }),
    effects: runner,
    log: silentLog,
    workFolder: join(world.folder, 'tmp'),
    format: { extension: 'tar.zst', compress: ['zstd', '-q', '-c'], decompress: ['zstd', '-d', '-q', '-c'] },
    layout: 'flat',
  });
  for (const flavour of ['all', 'amd64', 'arm64']) {
    const name = `flatcar-sdk-${flavour}`;
    world.offerSdk(flavour, version, 'local');
    docker('tag', `ghcr.io/flatcar/${name}:${version}`, `${name}:${version}`);
    docker('rmi', `ghcr.io/flatcar/${name}:${version}`);
    await containers.publish({ name, version, registry: '' });
    docker('rmi', `${name}:${version}`);
  }
};

/** Call once per test file, after `useStage`. */
export const useReleases = (stage: Stage): ReleaseStage => {
  let open: TestServer;
  let closed: TestServer;
  let bucket: TestServer | undefined;
  let previousRclone = '';
  let opened = 0;
  const at = (...names: string[]): string => join(stage.folder, 'release', ...names);
  beforeAll(async () => {
    mkdirSync(at(), { recursive: true });
    [open, closed] = await Promise.all([
      startRegistry(at('open'), { needsLogin: false }),
      startRegistry(at('closed'), { needsLogin: true }),
    ]);
    const programs = PROGRAMS.map((name) => `/usr/bin/${name}`).filter((file) => existsSync(file));
    const files = { '/usr/bin/plume': PLUME, '/usr/bin/aws': RECORD };
    const mantle = `${open.address}/mantle:1`;
    importImage(at(), { name: mantle, programs, files, changes: ['ENV PATH=/usr/bin:/bin'] });
    docker('push', mantle);
    docker('rmi', mantle);
    previousRclone = docker('images', '--quiet', '--no-trunc', RCLONE);
    importImage(at(), {
      name: RCLONE,
      programs: ['/usr/bin/rclone'],
      files: { '/ca.pem': readFileSync(join(stage.folder, 'https', 'ca.pem'), 'utf8') },
      changes: ['ENV SSL_CERT_FILE=/ca.pem', 'ENTRYPOINT ["/usr/bin/rclone"]'],
    });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([open?.stop(), closed?.stop(), bucket?.stop()]);
    docker('rmi', '--force', RCLONE);
    if (previousRclone) docker('tag', previousRclone, RCLONE);
    const own = docker('images', '--format', '{{.Repository}}:{{.Tag}}').split('\n');
    const left = own.filter((name) => [open, closed].some((registry) => name.startsWith(`${registry.address}/`)));
    if (left.length > 0) docker('rmi', '--force', ...left);
  }, 60_000);
  return {
    async open(version, sdkVersion = version, kind = 'small') {
      const world = stage.open(kind);
      // A server of its own: it remembers for a while what was in a folder.
      opened += 1;
      const own = `bucket-${opened}`;
      await bucket?.stop();
      bucket = await startBucket(at(own));
      const [vernum, buildId = ''] = version.split('+');
      world.write(
        'tree/sdk_container/.repo/manifests/version.txt',
        `FLATCAR_VERSION=${version}\nFLATCAR_VERSION_ID=${vernum}\nFLATCAR_BUILD_ID="${buildId}"\nFLATCAR_SDK_VERSION=${sdkVersion}\n`,
      );
      world.write('tree/sdk_container/.repo/manifests/mantle-container', `${open.address}/mantle:1\n`);
      world.git('add', '--all', '--force', 'sdk_container/.repo');
      world.git(
        '-c',
        'user.name=Somebody',
        '-c',
        'user.email=somebody@example.org',
        'commit',
        '--quiet',
        '-m',
        'New version',
      );
      world.git('tag', `alpha-${version.replace('+', '-')}`);
      world.write('tree/sdk_container/.env', envFile(bucket.address));
      const settings = world.read('tree/ci-automation/ci-config.env');
      world.write(
        'tree/ci-automation/ci-config.env',
        settings.replace(/^CONTAINER_REGISTRY=.*$/m, `CONTAINER_REGISTRY="${closed.address}/flatcar"`),
      );
      world.write('tree/product-ids.json', '{"alpha-amd64":"id-amd64","alpha-arm64":"id-arm64"}\n');
      world.write('tree/list.json', JSON.stringify({ amis: REGIONS.map((name) => ({ name, hvm: `ami-${name}` })) }));
      for (const arch of ['amd64', 'arm64']) {
        world.write(`cache/images/${arch}/${version}/flatcar_production_image.bin.bz2`, `image ${arch}\n`);
        world.write(`cache/boards/${arch}-usr/${version}/pkgs/Packages`, `packages ${arch}\n`);
      }
      world.write(`cache/sdk/amd64/${sdkVersion}/flatcar-sdk-amd64-${sdkVersion}.tar.bz2`, 'the SDK\n');
      if (version === sdkVersion) await publishSdk(world, version.replaceAll('+', '-'));
      else world.write(`cache/containers/${version.replaceAll('+', '-')}/x.id`, 'x\n');
      return {
        world,
        env: world.signing,
        bucket: at(own),
        recorded: () => (existsSync(join(world.tree, 'recorded')) ? world.read('tree/recorded') : ''),
        tagsOf(name) {
          const { user, password } = REGISTRY_LOGIN;
          const url = `http://${closed.address}/v2/flatcar/${name}/tags/list`;
          return execFileSync('curl', ['--silent', '--user', `${user}:${password}`, url], { encoding: 'utf8' });
        },
      };
    },
  };
};

/** Replaces a part of the credentials in the tree. */
export const editEnvFile = (world: ConformanceWorld, edit: (text: string) => string): void =>
  writeFileSync(join(world.tree, 'sdk_container/.env'), edit(world.read('tree/sdk_container/.env')));
