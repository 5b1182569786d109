import { docker } from '../helpers/conformance-docker.ts';
import type { StepEnd, StepWords } from '../helpers/conformance-step.ts';
import type { TreeKind } from '../helpers/conformance-tree.ts';
import type { ConformanceWorld, StepEnv } from '../helpers/conformance-world.ts';

/** Runs a step of the side that the scenario is for. */
export type RunStep = (...words: StepWords) => Promise<StepEnd>;

/** What both sides do. */
export type Play = (world: ConformanceWorld, run: RunStep) => Promise<void>;

/** A scenario, and which of the intended differences (intended.ts) it shows. */
export interface Scenario {
  readonly kind?: Exclude<TreeKind, 'small'>;
  readonly signed?: boolean;
  readonly env?: StepEnv;
  readonly play: Play;
  /** Keys of the table; each must occur, and nothing else. */
  readonly intended: readonly string[];
}

/** A SDK that the seed of a bootstrap is. */
const SEED = '8000.0.0';

const offerOwnSdk = (world: ConformanceWorld, arch: string): void => {
  const text = world.read('tree/sdk_container/.repo/manifests/version.txt');
  world.offerSdk(arch, /SDK_VERSION=(.*)/.exec(text)?.[1] ?? '');
};

/** Tags and builds with the present SDK; each step on another machine. */
export const buildOs =
  (tag: string, arch: string, ...formats: string[]): Play =>
  async (world, run) => {
    offerOwnSdk(world, arch);
    await run('packages_tag', tag);
    const steps: StepWords[] = [
      ['packages', arch],
      ['image', arch],
      ['vms', arch, ...formats],
      ['push_pkgs', arch],
    ];
    for (const words of steps) {
      world.nextMachine(tag);
      await run(...words);
    }
  };

/** Makes a SDK, and the packages with it; each step on another machine. */
export const buildSdk =
  (tag: string): Play =>
  async (world, run) => {
    world.offerSdk('all', SEED);
    await run('sdk_bootstrap', SEED, tag);
    const steps: StepWords[] = [['sdk_container'], ['packages', 'amd64']];
    for (const words of steps) {
      world.nextMachine(tag);
      await run(...words);
    }
  };

const PIPELINE: readonly StepWords[] = [
  ['sdk_bootstrap', SEED, 'main-9001.0.0-x'],
  ['sdk_container'],
  ['packages', 'amd64'],
  ['image', 'amd64'],
  ['vms', 'amd64', 'azure', 'openstack', 'ami'],
  ['push_pkgs', 'amd64'],
];

/** Runs the pipeline in one workspace up to a step in which an entry point does not end well. */
const failIn =
  (step: string, entryPoint: string, how = 'fail 3'): Play =>
  async (world, run) => {
    world.offerSdk('all', SEED);
    for (const words of PIPELINE) {
      if (words[0] === step) world.behave(entryPoint, how);
      await run(...words);
      if (words[0] === step) break;
    }
  };

/** A new file by somebody, as `git format-patch` writes it. @param file that the patch makes; an existing one makes it not apply */
export const patchOf = (file: string): string =>
  [
    `From ${'1'.repeat(40)} Mon Sep 17 00:00:00 2001`,
    'From: Somebody Else <else@example.org>',
    'Date: Thu, 1 Jan 2026 00:00:00 +0000',
    'Subject: [PATCH] Fix that nobody is to know yet',
    '',
    '---',
    ` ${file} | 1 +`,
    ' 1 file changed, 1 insertion(+)',
    '',
    `diff --git a/${file} b/${file}`,
    'new file mode 100644',
    'index 0000000..d95f3ad',
    '--- /dev/null',
    `+++ b/${file}`,
    '@@ -0,0 +1 @@',
    '+content',
    '--',
    '2.39.5',
    '',
    '',
  ].join('\n');

const PUSH = ['push_pkgs: publishes from the host', 'push_pkgs: one cleanup line'];
/** Where packages or sdk_container were the last steps in a workspace. */
const LITTER = ['workspace: no copies of what was published'];

/** What is played on both sides. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a signed development build': {
    signed: true,
    play: buildOs('alpha-9000.1.0-dev-1', 'amd64', 'qemu_uefi', 'azure', 'pxe'),
    intended: PUSH,
  },
  'an official build for arm64, with formats of every kind of compression': {
    play: buildOs('stable-9000.2.0', 'arm64', 'openstack', 'vmware', 'ami', 'hyperv', 'qemu', 'digitalocean', 'akamai'),
    intended: PUSH,
  },
  'a build on the original tree': {
    kind: 'flatcar',
    signed: true,
    play: buildOs('lts-9000.1.0-x-y', 'amd64', 'qemu_uefi', 'azure'),
    intended: PUSH,
  },
  'a SDK on the original tree': {
    kind: 'flatcar',
    play: buildSdk('main-9001.0.0-dev-2'),
    intended: LITTER,
  },
  'an official SDK, signed': { signed: true, play: buildSdk('main-9001.0.0'), intended: LITTER },
  'a nightly SDK': { play: buildSdk('main-9001.0.0-nightly-20261121-2100'), intended: LITTER },
  'nightly packages, and the next night': {
    async play(world, run) {
      world.git('checkout', '--quiet', 'flatcar-9000');
      await run('packages_tag', 'alpha-9000.1.0-nightly-20261121-2100');
      world.nextMachine('flatcar-9000');
      await run('packages_tag', 'alpha-9000.1.0-nightly-20261122-2100');
    },
    intended: [],
  },
  'a nightly that has nothing new': {
    env: { CIA_DEBUGIMAGESEXIST: 'yes' },
    async play(world, run) {
      world.git('checkout', '--quiet', 'flatcar-9000');
      await run('packages_tag', 'beta-9000.1.0-nightly-20261121-2100');
      world.nextMachine('flatcar-9000');
      await run('packages_tag', 'beta-9000.1.0-nightly-20261122-2100');
    },
    intended: [],
  },
  'a signed tag': {
    signed: true,
    env: { SIGN: '1' },
    async play(world, run) {
      // git looks for a key of the committer, which the test's key is not.
      world.git('config', 'user.signingkey', world.key.fingerprint);
      await run('packages_tag', 'alpha-9000.1.0');
    },
    intended: [],
  },
  'packages of a version that the SDK step has tagged': {
    async play(world, run) {
      world.offerSdk('all', SEED);
      await run('sdk_bootstrap', SEED, 'main-9001.0.0-nightly-20261121-2100');
      world.nextMachine('main');
      world.git('config', 'user.name', 'An Operator');
      world.git('config', 'user.email', 'operator@example.org');
      await run('packages_tag', 'main-9001.0.0-nightly-20261121-2100');
    },
    intended: ['clone: no commit that nobody wants'],
  },
  'another image under the name of the packages': {
    async play(world, run) {
      offerOwnSdk(world, 'amd64');
      await run('packages_tag', 'alpha-9000.1.0-other');
      await run('packages', 'amd64');
      world.nextMachine('alpha-9000.1.0-other');
      world.offerSdk('amd64', '1.1.1', 'local');
      docker('tag', 'ghcr.io/flatcar/flatcar-sdk-amd64:1.1.1', 'flatcar-packages-amd64:9000.1.0-other');
      await run('image', 'amd64');
    },
    intended: [],
  },
  'an image that is published already, on another machine': {
    async play(world, run) {
      offerOwnSdk(world, 'amd64');
      await run('packages_tag', 'alpha-9000.1.0-again');
      await run('packages', 'amd64');
      for (let count = 1; count <= 2; count += 1) {
        world.nextMachine('alpha-9000.1.0-again');
        await run('image', 'amd64');
      }
    },
    intended: ['published already: not built again'],
  },
  'packages that only the release mirror has': {
    async play(world, run) {
      offerOwnSdk(world, 'amd64');
      await run('packages_tag', 'alpha-9000.1.0-mirror');
      await run('packages', 'amd64');
      world.nextMachine('alpha-9000.1.0-mirror');
      world.moveToMirror('containers');
      await run('image', 'amd64');
    },
    intended: [],
  },
  'a patch beside the checkout': {
    async play(world, run) {
      world.write('scripts.patch', patchOf('secret'));
      await buildOs('beta-9000.2.1', 'amd64', 'azure')(world, run);
    },
    intended: [...PUSH, 'push_pkgs: applies the patch', 'push_pkgs: names the version'],
  },
  'a patch that does not apply': {
    async play(world, run) {
      offerOwnSdk(world, 'amd64');
      world.write('scripts.patch', patchOf('build_image'));
      await run('packages_tag', 'beta-9000.2.1');
      await run('packages', 'amd64');
    },
    intended: ['exit code: 1 for a failure', 'patch: not half applied'],
  },
  'a bootstrap that fails': { play: failIn('sdk_bootstrap', 'bootstrap_sdk'), intended: [] },
  'SDK images that fail': { play: failIn('sdk_container', 'build_sdk_container_image'), intended: [] },
  'packages that fail': { play: failIn('packages', 'build_packages'), intended: LITTER },
  'packages that are killed': { play: failIn('packages', 'build_packages', 'die'), intended: LITTER },
  'an image that fails': {
    play: failIn('image', 'build_image'),
    intended: [...LITTER, 'exit code: 1 for a failure'],
  },
  'an image that is not there': {
    play: failIn('image', 'build_image', 'nothing'),
    intended: LITTER,
  },
  'an image of garbage': { play: failIn('image', 'build_image', 'garbage'), intended: LITTER },
  'a format that fails': {
    play: failIn('vms', 'image_to_vm.sh-openstack'),
    intended: [...LITTER, 'vms: the other formats', 'exit code: 1 for a failure'],
  },
  'binary packages that fail': {
    play: failIn('push_pkgs', 'build_dev_binpkgs'),
    intended: [...LITTER, 'exit code: 1 for a failure'],
  },
  'steps without what they need': {
    async play(_, run) {
      const steps: StepWords[] = [
        ['packages', 'amd64'],
        ['image', 'amd64'],
        ['vms', 'amd64', 'azure'],
        ['push_pkgs', 'amd64'],
        ['sdk_container'],
      ];
      for (const words of steps) await run(...words);
    },
    intended: ['exit code: 1 for a failure'],
  },
  'versions that are none': {
    async play(_, run) {
      await run('packages_tag', 'nonsense');
      await run('sdk_bootstrap', SEED, 'edge-1.2.3');
    },
    intended: ['exit code: 2 for wrong use'],
  },
  'a build id that is code': {
    async play(_, run) {
      await run('packages_tag', 'main-1.2.3-$(touch x)');
    },
    intended: ['exit code: 2 for wrong use', 'nothing of a version that is refused'],
  },
  'arguments that are missing': {
    async play(_, run) {
      await run('packages_tag');
      await run('packages');
    },
    intended: ['exit code: 2 for wrong use'],
  },
};
