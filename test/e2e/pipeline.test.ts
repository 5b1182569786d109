/**
 * The whole pipeline, for real, as one story: a nightly onto a cache server; then the steps one by one from new clones, with nothing but git
 * and that cache; then a change, with an interruption in the middle. Each chapter builds on those before it.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { execa } from 'execa';
import { prepareTree } from '../../ci-automation/nightly/tree-repository.ts';
import { readTreeDescription } from '../../lib/tree/index.ts';
import { makeNightlyVersion, parseVersion, type Version } from '../../lib/version/index.ts';
import { keepBinaryPackages, restoreBinaryPackages } from '../helpers/e2e-binpkgs.ts';
import { findUnsigned, listArtifacts, outputDigests, readStepResult } from '../helpers/e2e-cache.ts';
import { unpackImages } from '../helpers/e2e-images.ts';
import { findLeftovers } from '../helpers/e2e-leftovers.ts';
import { type LoggedEnd, requireExit } from '../helpers/e2e-process.ts';
import { beginStory } from '../helpers/e2e-story.ts';
import { createWorld, type World } from '../helpers/e2e-world.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import { listTree } from '../helpers/temp-files.ts';
import { checkFormat } from '../helpers/vm-checks.ts';
import { bootIso } from '../helpers/vm-guest.ts';

const MINUTE_MS = 60_000;
/** One step that finds what it needs; on a machine that others use too. */
const STEP_MS = 4 * MINUTE_MS;

const { chapter, hasFailed } = beginStory();
const skiff = await readTreeDescription(join(import.meta.dirname, '../../config/trees/skiff.yaml'));

/** Nightlies of this run only: the numbers in the middle are nobody else's, whatever else runs on this engine. */
const makeVersions = (): [Version, Version] => {
  const { major, suffix } = makeNightlyVersion({ now: new Date() });
  const minor = 1000 + (process.pid % 9000);
  return [parseVersion(`main-${major}.${minor}.1-${suffix}`), parseVersion(`main-${major}.${minor}.2-${suffix}`)];
};

const [first, second] = makeVersions();
const sdkImage = `skiff-sdk-amd64:${first.dockerForm}`;
const packagesImage = `skiff-packages-amd64:${first.dockerForm}`;
const packagesManifest = `containers/${first.dockerForm}/skiff-packages-amd64-${first.dockerForm}.image.json`;
/** Somebody else's image in the same engine. */
const bystander = `skiff-packages-amd64:bystander-${process.pid}`;

let world: World;
/** The tree of the nightly driver, and clones of the story. */
let tree: string;
let clone: string;
let otherClone: string;
let nightly: LoggedEnd;
/** The settings of a CI job: those of the world, and the keys. */
let env: Record<string, string | undefined>;
/** Digests of what the nightly published, by path. */
let published: Record<string, string>;
const imageIds = new Set<string>();

/** Runs a step in a clone; insists on the exit code. */
const runStep = (
  cwd: string,
  step: string,
  args: readonly string[],
  more: { env?: typeof env; expect?: number } = {},
) =>
  world.programs.run([world.script(step), ...args], {
    cwd,
    env: { ...env, ...more.env },
    timeoutMs: STEP_MS,
    expect: more.expect,
  });

const startNightly = (args: readonly string[], timeoutMs: number, ownGroup = false) =>
  world.programs.start([world.script('nightly'), ...args], { cwd: world.slipway, env, timeoutMs, ownGroup });

/** Publishing again under a version takes the name from an image; by its ID it can still be removed at the end. */
const noteImages = async (): Promise<void> => {
  for (const image of await world.engine.imagesOf([first.dockerForm, second.dockerForm])) {
    const id = await world.engine.imageId(image);
    if (id !== undefined) imageIds.add(id);
  }
};

const gitInOrigin = async (...args: string[]): Promise<string> =>
  (await execa('git', ['-C', join(world.workspace, 'origin.git'), ...args])).stdout;

/** Container images and packages that were downloaded since. @param from number of requests that the server had seen then */
const archivesSent = (from: number): string[] =>
  world.https.requests
    .slice(from)
    .filter(({ method, path }) => method === 'GET' && /\.(tar\.zst|pack|recipe|deb)$/.test(path))
    .map(({ path }) => path);

beforeAll(async () => {
  world = await createWorld();
  env = world.env;
  ({ tree } = await prepareTree(world.workspace, join(world.slipway, 'skiff'), skiff.versionFile));
  restoreBinaryPackages(tree);
}, MINUTE_MS);

afterAll(async () => {
  const versionTags = [first.dockerForm, second.dockerForm];
  await world.engine.removeContainers(await world.engine.containersOf(versionTags));
  await noteImages();
  await world.engine.removeImages([bystander, ...(await world.engine.imagesOf(versionTags)), ...imageIds]);
  await world.close({ keepLogs: hasFailed() });
  if (hasFailed()) process.stderr.write(`The logs of all programs are in ${join(world.folder, 'logs')}\n`);
}, 2 * MINUTE_MS);

describe('a nightly onto a cache server', () => {
  chapter(
    'builds, publishes and boots',
    async () => {
      const timeoutMs = 14 * MINUTE_MS;
      nightly = requireExit(await startNightly(['--tag', first.text], timeoutMs).ended, 0);
      keepBinaryPackages(tree);
      await noteImages();
    },
    15 * MINUTE_MS,
  );

  chapter('ends with a summary: version, steps, images, how to start it, where logs are', () => {
    const { stdout } = nightly;
    expect(stdout).toMatch(new RegExp(`^${first.text} in \\d+ min \\d+ s$`, 'm'));
    for (const step of ['sdk_bootstrap', 'sdk_container', 'packages', 'image', 'vms', 'test']) {
      expect(stdout).toMatch(new RegExp(`^ +${step} +done +[\\d.]+ m?(s|in \\d+ s) +\\S+ \\w*B +\\S+ \\w*B$`, 'm'));
    }
    const base = `${world.https.url}/images/amd64/${first.cacheForm}/skiff_production_`;
    for (const name of ['image.bin.zst', 'qemu_uefi_image.img', 'azure_image.vhd.zst', 'iso_image.iso']) {
      expect(stdout).toContain(` MiB  ${base}${name}\n`);
    }
    const [, start = ''] = /^Start it:\n +sh (\S+)$/m.exec(stdout) ?? [];
    expect(existsSync(start)).toBe(true);
    expect(stdout).toContain(`${world.https.url}/build-logs/`);
  });

  chapter('pushed the tag, and the branch with it', async () => {
    const commit = await gitInOrigin('rev-parse', `refs/tags/${first.text}^{commit}`);
    expect(await gitInOrigin('rev-parse', 'refs/heads/main')).toBe(commit);
    const versionText = await gitInOrigin('show', `${commit}:${skiff.versionFile}`);
    expect(versionText).toContain(`SKIFF_VERSION=${first.cacheForm}\n`);
    expect(versionText).toMatch(new RegExp(`^SKIFF_SDK_VERSION=${first.cacheForm.replace('+', '\\+')}$`, 'm'));
  });

  chapter('published all of it signed, as gpgv sees it', async () => {
    const keys = join(world.workspace, 'keys');
    const artifacts = listArtifacts(world.server);
    for (const part of [`sdk/amd64/${first.cacheForm}/`, `containers/${first.dockerForm}/`, 'boards/', 'build-logs/']) {
      expect(artifacts.filter((path) => path.startsWith(part))).not.toEqual([]);
    }
    expect(await findUnsigned(world.server, join(keys, 'trusted-keys.asc'), world.folder)).toEqual([]);
    // From here on the keys are a CI's secrets: they outlive the workspace.
    const secrets = join(world.folder, 'secrets');
    mkdirSync(secrets, { mode: 0o700 });
    for (const name of readdirSync(keys)) copyFileSync(join(keys, name), join(secrets, name));
    env = {
      ...world.env,
      SIGNER: 'nightly@slipway.localhost',
      SIGNING_KEY: join(secrets, 'signing-key.asc'),
      TRUSTED_KEYS: join(secrets, 'trusted-keys.asc'),
    };
    published = Object.assign(
      {},
      ...['image', 'vms'].map((step) => outputDigests(readStepResult(tree, `${step}-amd64`))),
    );
  });

  chapter('published the reports of the boot: every check passed', async () => {
    const folder = join(world.server, 'testing', first.cacheForm, 'amd64/qemu_uefi');
    const lines = readFileSync(join(folder, 'results.tap'), 'utf8').split('\n');
    expect(lines.filter((line) => line.startsWith('not ok'))).toEqual([]);
    const passed = lines.filter((line) => line.startsWith('ok ')).map((line) => line.replace(/^ok \d+ - /, ''));
    for (const check of ['boot.login', 'os-release', 'root.writable', 'ssh.key', 'systemd.running', 'usr.verity']) {
      expect(passed).toContain(check);
    }
    const count = async (xpath: string) =>
      Number((await execa('xmllint', ['--nonet', '--xpath', xpath, join(folder, 'results.xml')])).stdout);
    expect(await count('count(//testcase)')).toBe(passed.length);
    expect(await count('count(//failure | //error | //skipped)')).toBe(0);
  });

  chapter('leaves nothing behind', async () => {
    expect(await findLeftovers(world, tree, [first.dockerForm])).toEqual([]);
  });
});

describe('its vendor images, opened with tools that are not ours', () => {
  const unpacked = () => join(world.folder, 'unpacked');

  chapter('are whole', async () => {
    await unpackImages(join(world.server, 'images/amd64', first.cacheForm), unpacked());
  });

  for (const format of skiff.vms.nightly) {
    chapter(`${format} is what its vendor expects`, async () => {
      const disk = join(unpacked(), 'skiff_production_image.bin');
      const kernel = join(unpacked(), 'skiff_production_image.vmlinuz');
      await checkFormat(format, unpacked(), { disk, kernel, scratch: join(world.folder, 'scratch') });
    });
  }

  chapter(
    'iso boots from a CD',
    async () => {
      const guest = await bootIso(join(unpacked(), 'skiff_production_iso_image.iso'), 'cd');
      try {
        expect(await guest.ssh('cat /etc/os-release')).toContain(`BUILD_ID="${first.suffix}"\n`);
        expect(await guest.ssh('findmnt --noheadings --output SOURCE /usr')).toBe('/dev/mapper/usr');
      } finally {
        await guest.stop();
      }
    },
    STEP_MS,
  );
});

describe('where a vendor image is from', () => {
  chapter(
    'verify walks from it to the tag, signed link by signed link',
    async () => {
      const { stdout } = await runStep(tree, 'verify', [first.text, '--image', 'qemu_uefi']);
      expect(stdout).toContain(`images/amd64/${first.cacheForm}/skiff_production_qemu_uefi_image.img`);
      for (const step of ['vms', 'image', 'packages', 'sdk_container', 'sdk_bootstrap']) {
        expect(stdout).toMatch(new RegExp(`- ${step}\\b.*provenance/\\S+\\.intoto\\.json, signed by `));
      }
      expect(stdout).toMatch(new RegExp(`- git tag ${first.text} `));
    },
    STEP_MS,
  );

  chapter(
    'one wrong bit in it is a link that does not hold: exit 3',
    async () => {
      const image = `images/amd64/${first.cacheForm}/skiff_production_qemu_uefi_image.img`;
      await flipByte(join(world.server, image));
      const { stderr } = await runStep(tree, 'verify', [first.text, '--image', 'qemu_uefi'], { expect: 3 });
      await flipByte(join(world.server, image));
      expect(stderr).toContain(image);
    },
    STEP_MS,
  );
});

describe('nothing changed', () => {
  chapter('the next nightly stops early and says why', async () => {
    const { stdout, stderr, durationMs } = requireExit(await startNightly([], MINUTE_MS).ended, 0);
    expect(stdout).toMatch(
      new RegExp(`^Nothing to build: nothing changed since ${first.text}, and its artifacts are in the cache\\.$`, 'm'),
    );
    expect(stdout).toContain('AVOID_NIGHTLY_BUILD_SHORTCUTS=1');
    expect(stderr).toMatch(/^Building main-\d{4}\.0\.0-nightly-\d{8}-\d{4} in /m);
    expect(durationMs).toBeLessThan(30_000);
    expect((await gitInOrigin('tag')).split('\n')).toEqual([first.text]);
  });

  chapter('with AVOID_NIGHTLY_BUILD_SHORTCUTS it would be built', async () => {
    const { stderr } = await runStep(tree, 'packages', ['--plan', second.text, 'amd64'], {
      env: { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' },
    });
    expect(stderr).toMatch(new RegExp(`git push .*${second.text}`));
    expect(stderr).toMatch(/run_sdk_container .* \.\/build_packages/);
    expect((await gitInOrigin('tag')).split('\n')).toEqual([first.text]);
  });
});

describe('with no state but git and the cache', () => {
  /** What is published is built once more, to see what comes of it. */
  const anyway = { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };

  chapter('a step whose version is published says so and builds nothing', async () => {
    const { stderr } = await runStep(tree, 'image', ['amd64']);
    expect(stderr).toContain(`image: ${first.cacheForm} is published already, from this very commit`);
    expect(published).toMatchObject(outputDigests(readStepResult(tree, 'image-amd64')));
  });

  chapter(
    'packages fetches the SDK and reuses every binary package',
    async () => {
      await world.engine.removeImages(await world.engine.imagesOf([first.dockerForm]));
      rmSync(tree, { recursive: true });
      clone = await world.cloneTag(first.text);
      const before = readFileSync(join(world.server, packagesManifest), 'utf8');
      // The image has the time when it was made: it is another one, and what is published does not change.
      const { stderr } = await runStep(clone, 'packages', ['amd64'], { env: anyway, expect: 1 });
      expect(stderr).toMatch(/\] 7 packages: 0 built, 7 reused$/m);
      expect(stderr).toContain('error CACHE_VERSION_DIFFERS');
      expect(readFileSync(join(world.server, packagesManifest), 'utf8')).toBe(before);
      const { inputs } = readStepResult(clone, 'packages-amd64');
      const manifest = `containers/${first.dockerForm}/skiff-sdk-amd64-${first.dockerForm}.image.json`;
      expect(inputs.map(({ path }) => path)).toContain(manifest);
      expect(await world.engine.imageId(sdkImage)).toBeDefined();
      await noteImages();
    },
    STEP_MS,
  );

  chapter(
    'packages again downloads nothing',
    async () => {
      const seen = world.https.requests.length;
      const { stderr } = await runStep(clone, 'packages', ['amd64'], { env: anyway, expect: 1 });
      expect(stderr).toContain(`container image ${sdkImage}: it is here and is the published one`);
      const { inputs } = readStepResult(clone, 'packages-amd64');
      expect(inputs.filter(({ path }) => path.startsWith('containers/'))).toEqual([]);
      expect(archivesSent(seen)).toEqual([]);
      await noteImages();
    },
    STEP_MS,
  );

  chapter('keys that did not sign it are a reason to stop: exit 3', async () => {
    const folder = join(world.folder, 'strangers');
    mkdirSync(folder);
    const { publicKeyFile } = makeTestKey({ folder, name: 'Stranger' });
    const { stderr } = await runStep(clone, 'image', ['amd64'], {
      env: { ...anyway, TRUSTED_KEYS: publicKeyFile },
      expect: 3,
    });
    expect(stderr).toMatch(
      /error ARTIFACT_SIGNATURE_INVALID: .* of containers\/\S+\.id is not valid: .* not trusted\./,
    );
  });

  chapter(
    'image refuses a packages image that was tampered with: exit 3, both digests named',
    async () => {
      await world.engine.removeContainers(await world.engine.containersOf([first.dockerForm]));
      await world.engine.removeImages([packagesImage]);
      otherClone = await world.cloneTag(first.text);
      await flipByte(join(world.server, packagesManifest));
      const { stderr } = await runStep(otherClone, 'image', ['amd64'], { env: anyway, expect: 3 });
      await flipByte(join(world.server, packagesManifest));
      const [, expected, found] =
        new RegExp(`${packagesManifest} in \\S+ does not verify: its \\w+ should be (\\w+) and is (\\w+)\\.`).exec(
          stderr,
        ) ?? [];
      expect(readFileSync(join(world.server, `${packagesManifest}.DIGESTS`), 'utf8')).toContain(expected);
      expect(found).toMatch(/^[0-9a-f]{40,128}$/);
      expect(found).not.toBe(expected);
      expect(await world.engine.imageId(packagesImage)).toBeUndefined();
      expect(await findLeftovers(world, otherClone, [first.dockerForm])).toEqual([]);
    },
    STEP_MS,
  );

  chapter(
    'image refuses contents that were tampered with, though the manifest is the right one: exit 3',
    async () => {
      const packs = listTree(world.server).filter((path) => path.endsWith('.pack'));
      for (const pack of packs) await flipByte(join(world.server, pack));
      const BUILDCACHE_CHUNK_DIR = join(world.folder, 'empty-chunks');
      const { stderr } = await runStep(otherClone, 'image', ['amd64'], {
        env: { ...anyway, BUILDCACHE_CHUNK_DIR },
        expect: 3,
      });
      for (const pack of packs) await flipByte(join(world.server, pack));
      expect(stderr).toMatch(/error DEDUP_\w+: /);
      expect(await world.engine.imageId(packagesImage)).toBeUndefined();
      expect(await findLeftovers(world, otherClone, [first.dockerForm])).toEqual([]);
    },
    STEP_MS,
  );

  chapter(
    'image fetches the packages and yields the very same bits',
    async () => {
      await runStep(otherClone, 'image', ['amd64'], { env: anyway });
      const { inputs, outputs } = readStepResult(otherClone, 'image-amd64');
      expect(inputs.map(({ path }) => path)).toEqual([packagesManifest]);
      expect(outputs.length).toBeGreaterThanOrEqual(6);
      expect(published).toMatchObject(outputDigests(readStepResult(otherClone, 'image-amd64')));
    },
    STEP_MS,
  );

  chapter(
    'vms makes the same vendor images',
    async () => {
      await runStep(otherClone, 'vms', ['amd64', 'qemu_uefi', 'iso'], { env: anyway });
      const made = outputDigests(readStepResult(otherClone, 'vms-amd64'));
      expect(Object.keys(made)).toContain(`images/amd64/${first.cacheForm}/skiff_production_iso_image.iso`);
      expect(published).toMatchObject(made);
      await world.engine.removeContainers(await world.engine.containersOf([first.dockerForm]));
    },
    STEP_MS,
  );
});

describe('one recipe changed', () => {
  const args = ['--tag', second.text, '--formats', 'qemu_uefi'];

  chapter(
    'Ctrl-C while the package is compiled: exit 130, nothing left behind',
    async () => {
      const recipe = join(world.slipway, 'skiff/packages/less/recipe.yaml');
      writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('revision: 1\n', 'revision: 2\n'));
      const program = startNightly(args, STEP_MS, true);
      await program.seen(/\] less \S+: building/);
      program.signalGroup('SIGINT');
      const { stderr } = requireExit(await program.ended, 130);
      expect(stderr).toMatch(/SIGINT/);
      expect(await findLeftovers(world, tree, [second.dockerForm])).toEqual([]);
      expect(listArtifacts(world.server).filter((path) => path.includes(second.dockerForm))).toEqual([]);
    },
    STEP_MS,
  );

  chapter(
    'the same nightly then goes through: the SDK and six packages are reused, one is built',
    async () => {
      await world.engine.tagImage(sdkImage, bystander);
      const { stdout, stderr } = requireExit(await startNightly(args, 2 * STEP_MS).ended, 0);
      expect(stdout).toMatch(/^ +sdk_bootstrap +reused .*nothing that it is made from changed$/m);
      expect(stdout).toMatch(/^ +sdk_container +reused /m);
      expect(stderr).toMatch(/\] less \S+: building: recipe\.yaml changed since /m);
      expect(stderr).toMatch(/\] 7 packages: 1 built, 6 reused$/m);
      const list = join(world.server, 'images/amd64', second.cacheForm, 'skiff_production_image_packages.txt');
      expect(readFileSync(list, 'utf8')).toMatch(/^less \S+\+skiff2 /m);
    },
    2 * STEP_MS,
  );

  chapter('it freed what is its own, and nothing else', async () => {
    expect(await findLeftovers(world, tree, [first.dockerForm, second.dockerForm])).toEqual([]);
    expect(await world.engine.imageId(packagesImage)).toBeUndefined();
    expect(await world.engine.imageId(`skiff-packages-amd64:${second.dockerForm}`)).toBeDefined();
    expect(await world.engine.imageId(bystander)).toBeDefined();
  });
});

/** Changes one bit in the middle of a file; a second time changes it back. */
async function flipByte(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const at = Math.floor((await handle.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  } finally {
    await handle.close();
  }
}
