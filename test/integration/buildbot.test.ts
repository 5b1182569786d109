import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { GENERATORS } from '../../lib/glue/index.ts';
import { parsePipeline, resolveJobs } from '../../lib/pipeline/index.ts';
import { isRoot } from '../helpers/dedup-limits.ts';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { runStep } from '../helpers/fixture-step.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { type BuildbotMaster, startMaster, startWorker } from '../helpers/lab-buildbot.ts';
import { startLabSshd, startLabWebServer } from '../helpers/lab-servers.ts';
import { buildLab, type NetworkLab } from '../helpers/network-lab.ts';
import { makeSshKey } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, writeFileAt } from '../helpers/temp-files.ts';

/**
 * A real master with the generated master.cfg, two real workers and a cache server, each a host of its own; jobs, steps, git, ssh, rsync and HTTPS are real.
 * The tree's entry points and the engine are the stand-ins of test/fixtures. The tests are one story, in order.
 */
jest.setTimeout(600_000);

const ROOT = join(import.meta.dirname, '../..');
const WORKERS = ['w1', 'w2'] as const;
const NIGHTLY = 'main-4888.0.0-nightly-20261120-2100';
const RELEASE = 'alpha-4888.0.1';

/** Small, and otherwise as config/pipeline.yaml: a nightly, and a release that keeps its SDK. */
const PIPELINE = `
name: os-image
arches: [amd64]
formats: { virtual: [qemu], clouds: [azure] }
variants:
  nightly: { version: date, tag: sdk_tag, schedule: 0 21 * * * }
  release: { version: given, tag: packages_tag, without: [sdk_bootstrap, sdk_container] }
steps:
  version: { timeoutMinutes: 10, retries: 1 }
  sdk_bootstrap: { arguments: ['\${seed}', '\${version}'], needs: [version], timeoutMinutes: 10, retries: 1 }
  sdk_container: { needs: [sdk_bootstrap], timeoutMinutes: 10, retries: 1 }
  packages: { for: [arches], arguments: ['\${arch}'], needs: [sdk_container], timeoutMinutes: 10, retries: 1 }
  image: { for: [arches], arguments: ['\${arch}'], needs: [packages], timeoutMinutes: 10, retries: 1 }
  vms: { for: [arches, formats], arguments: ['\${arch}', '\${formats}'], needs: [image], timeoutMinutes: 10 }
seed: debian
secrets: { BUILDCACHE_SSH_KEY: file, BUILDCACHE_KNOWN_HOSTS: file }
workers: { labels: [slipway], container: worker }
artifacts:
  folder: ci-artifacts
  keepDays: 14
  collect: { results: ['__build__/slipway/*.json'], events: [], reports: [], logs: [], junit: [] }
`;

const JOBS = ['version', 'sdk_bootstrap', 'sdk_container', 'packages-amd64', 'image-amd64'];
const FORMAT_JOBS = ['vms-amd64-clouds', 'vms-amd64-virtual'];

const waitFor = async (what: string, isThere: () => boolean): Promise<void> => {
  const deadline = Date.now() + 300_000;
  while (!isThere()) {
    if (Date.now() > deadline) throw new Error(`waited for ${what} in vain`);
    await sleep(50);
  }
};

const makeFolder = useTempFolders();
const worlds = useWorlds();
const describeAsRoot = isRoot ? describe : describe.skip;

describeAsRoot('Buildbot with two workers and a cache server (left out without root)', () => {
  const folder = makeFolder('buildbot');
  const cache = join(folder, 'cache');
  let lab: NetworkLab | undefined;
  let master: BuildbotMaster;
  let home: FixtureWorld;
  const workers = new Map<string, FixtureWorld>();

  const worldOf = (worker: string): FixtureWorld => workers.get(worker) as FixtureWorld;
  const sub = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };

  /** Stops the entry point of a tree in its midst, on whatever worker comes to it; tells where and how to let it go on. */
  const untilHanging = async (name: string): Promise<{ readonly worker: string; readonly pid: number }> => {
    let found: { worker: string; pid: number } | undefined;
    await waitFor(`a worker at ${name}`, () => {
      for (const worker of WORKERS) {
        const [what, , pid] = worldOf(worker).read('hanging').split(' ');
        if (what === name && pid !== undefined) found = { worker, pid: Number(pid) };
      }
      return found !== undefined;
    });
    return found as { worker: string; pid: number };
  };

  beforeAll(async () => {
    const hosts = await buildLab(sub('lab'), ['ci', 'cache', ...WORKERS]);
    lab = hosts;
    mkdirSync(cache);
    home = worlds.fresh();
    home.write('pipeline.yaml', PIPELINE);
    home.git('add', '--all');
    home.git(
      '-c',
      'user.name=Somebody',
      '-c',
      'user.email=somebody@example.org',
      'commit',
      '--quiet',
      '-m',
      'Pipeline',
    );
    home.git('push', '--quiet');
    const key = makeSshKey(join(sub('keys'), 'client'));
    const git = await startLabSshd(hosts.host('ci'), sub('git-sshd'), key);
    const sshd = await startLabSshd(hosts.host('cache'), sub('cache-sshd'), key);
    const web = await startLabWebServer(hosts.host('cache'), sub('web'), cache);
    const gitHosts = writeFileAt(join(folder, 'git-hosts'), `${git.knownHostsLine}\n`);
    const pipeline = parsePipeline(PIPELINE, 'pipeline.yaml');
    const [config] = GENERATORS.buildbot?.files({ pipeline, jobs: resolveJobs(pipeline) }) ?? [];
    master = await startMaster(hosts.host('ci'), join(folder, 'master'), {
      config: config?.text ?? '',
      site: {
        repository: `ssh://root@ci.lab${home.origin}`,
        workers: WORKERS,
        environment: {
          SLIPWAY: ROOT,
          BUILDCACHE_SERVER: 'cache.lab',
          BUILDCACHE_USER: 'root',
          BUILDCACHE_PATH_PREFIX: cache,
          BUILDCACHE_CA_FILE: web.caFile,
          AVOID_NIGHTLY_BUILD_SHORTCUTS: '1',
        },
      },
      secrets: {
        'worker-w1': 'password-1\n',
        'worker-w2': 'password-2\n',
        run: 'password-of-people\n',
        BUILDCACHE_SSH_KEY: readFileSync(key, 'utf8'),
        BUILDCACHE_KNOWN_HOSTS: `${sshd.knownHostsLine}\n`,
      },
    });
    for (const [at, name] of WORKERS.entries()) {
      const world = worlds.fresh();
      workers.set(name, world);
      const env = {
        ...world.env,
        BUILDCACHE_DIR: undefined,
        GIT_SSH_COMMAND: `ssh -F none -i ${key} -o UserKnownHostsFile=${gitHosts} -o StrictHostKeyChecking=yes`,
      };
      const place = { folder: join(folder, name), master: hosts.host('ci'), password: `password-${at + 1}`, env };
      await startWorker(hosts.host(name), place);
    }
  });

  afterAll(() => lab?.stop());

  const runs = () => master.builds().filter(({ builder }) => builder === 'os-image');

  test('a nightly goes through all its jobs, formats at the same time, and publishes over the network', async () => {
    master.ask({ PIPELINE_VARIANT: 'nightly', PIPELINE_VERSION: NIGHTLY });
    await master.untilBuilds('the run', () => runs().some(({ result }) => result !== undefined));
    const jobs = master.builds().filter(({ worker }) => worker !== 'starter');
    expect(jobs.map(({ builder, result }) => `${builder}: ${result}`).slice(0, JOBS.length)).toEqual(
      JOBS.map((job) => `${job}: success`),
    );
    const formats = jobs.slice(JOBS.length);
    expect(new Set(formats.map(({ builder, result }) => `${builder}: ${result}`))).toEqual(
      new Set(FORMAT_JOBS.map((job) => `${job}: success`)),
    );
    // Each worker does one job at a time, so both had one of the two.
    expect(new Set(formats.map(({ worker }) => worker))).toEqual(new Set(WORKERS));
    expect(home.git('ls-remote', '--tags', 'origin', NIGHTLY)).toContain(`refs/tags/${NIGHTLY}`);
    const published = listTree(cache);
    for (const name of ['qemu', 'azure']) {
      expect(published.filter((path) => path.startsWith('images/amd64/') && path.includes(name))).not.toEqual([]);
    }
    expect(readFileSync(join(master.folder, 'artifacts/1/image-amd64/1/summary.md'), 'utf8')).toContain('image amd64');
  });

  test('a lost worker and a cache that is cut off: the jobs are done again, and the release is one whole', async () => {
    const network = lab as NetworkLab;
    for (const worker of WORKERS) {
      worldOf(worker).behave('build_packages', 'hang');
      worldOf(worker).behave('build_image', 'hang');
    }
    master.ask({ PIPELINE_VARIANT: 'release', PIPELINE_VERSION: RELEASE });

    // The line of the worker that builds packages is cut in their midst. The other one builds them.
    const lost = await untilHanging('build_packages');
    const other = WORKERS.find((worker) => worker !== lost.worker) as string;
    worldOf(other).behave('build_packages', undefined);
    network.setUp(lost.worker, false);
    const packages = () =>
      master
        .builds()
        .filter(({ builder }) => builder === 'packages-amd64')
        .slice(1);
    await master.untilBuilds('the packages', () => packages().at(-1)?.result === 'success');
    expect(packages().map(({ worker, result }) => [worker, result])).toEqual([
      [lost.worker, 'retry'],
      [other, 'success'],
    ]);

    // The line comes back: what was lost is not gone on with, and the worker is one again.
    network.setUp(lost.worker, true);
    await waitFor('the end of what was lost', () =>
      leftoversOf(worldOf(lost.worker)).every(
        (left) => !left.startsWith('process') || left.includes('buildbot-worker'),
      ),
    );

    // The cache is cut off while the image is built, and comes back when that has failed.
    const building = await untilHanging('build_image');
    for (const worker of WORKERS) network.setReachable(worker, 'cache', false);
    for (const worker of WORKERS) worldOf(worker).behave('build_image', undefined);
    network.signal(building.pid, 'SIGKILL');
    const images = () =>
      master
        .builds()
        .filter(({ builder }) => builder === 'image-amd64')
        .slice(1);
    await master.untilBuilds('the failure', () => images()[0]?.result !== undefined);
    for (const worker of WORKERS) network.setReachable(worker, 'cache', true);
    const [failed] = images();
    expect(failed).toMatchObject({ worker: building.worker, result: 'retry' });
    const log = readFileSync(join(master.folder, 'artifacts/2/image-amd64', String(failed?.number), 'log.txt'), 'utf8');
    expect(log).toMatch(
      /error CACHE_UNREACHABLE: The cache server cache\.lab\S* could not be reached to .+, after 6 tries/,
    );

    await master.untilBuilds('the run', () => runs()[1]?.result !== undefined);
    expect(runs()[1]?.result).toBe('success');
    expect(images().map(({ result }) => result)).toEqual(['retry', 'success']);
    // A lost worker did not make a second image of the packages; and every byte is as its digest says.
    const folders = readdirSync(join(cache, 'containers')).filter((name) => name.startsWith('4888.0.1'));
    expect(folders).toEqual(['4888.0.1']);
    const verified = await runStep(home, 'cache', ['verify'], { env: { BUILDCACHE_DIR: cache } });
    expect(verified.stderr).not.toContain('error');
    expect(verified.exitCode).toBe(0);
    expect(listTree(join(cache, '.staging'))).toEqual([]);
  });
});
