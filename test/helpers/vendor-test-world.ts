import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { gitTestEnv } from './git-clone.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { startSshd, type TestSshd } from './sshd.ts';
import { writeFileAt } from './temp-files.ts';
import { makeToolRootfs, SCRIPT_TOOLS } from './tool-rootfs.ts';

const SMALL_TREE = join(import.meta.dirname, '..', 'conformance', 'test-step', 'tree');
const STEP = join(import.meta.dirname, '..', '..', 'ci-automation', 'test.ts');

/** Cache form of the version of the small tree. */
export const VERSION = '4799.0.0+nightly-20260821-2100';

/** How a step ended. */
export interface TestEnd {
  readonly exitCode: number | undefined;
  /** Both streams. */
  readonly log: string;
}

/** A step at work. */
export interface TestAtWork {
  readonly done: Promise<TestEnd>;
  /** Waits until `isThere`; throws with the log when the step ends before. */
  until(isThere: () => boolean): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** How the stand-in vendor script was called. */
export interface ScriptCall {
  readonly vendor: string;
  readonly isFirst: boolean;
  readonly cwd: string;
  /** Work folders, architecture, version, TAP file, tests. */
  readonly args: readonly string[];
}

/** A checkout with vendor scripts, an empty cache, and the machine's real engine. */
export interface VendorTestWorld {
  /** Absolute path; so are the others. */
  readonly folder: string;
  readonly tree: string;
  readonly cache: string;
  /** Reads a text file of the tree; empty when there is none. */
  read(path: string): string;
  write(path: string, text: string, mode?: number): void;
  exists(path: string): boolean;
  /** What a vendor script does, as a script; in each run, or in one. */
  behave(vendor: string, script: string, run?: number): void;
  start(words: readonly string[], env?: Readonly<Record<string, string | undefined>>): TestAtWork;
  run(words: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<TestEnd>;
  /** Calls of vendor scripts since the last time. */
  takeCalls(): ScriptCall[];
  /** Arguments of `docker run` since the last time. */
  takeRuns(): string[][];
  /** Names of the engine's containers that begin so. */
  containers(prefix: string): string[];
}

/** Writes down what the engine is asked to run, and leaves out what the engine of a container is not allowed: the tests need neither. */
const DOCKER = `#!/usr/bin/env bash
if [ "$1" = run ]; then
  { printf '%s\\037' "$@"; printf '\\036'; } >>"$TEST_WORLD/runs"
fi
words=()
for word; do
  if [ "$word" != --privileged ]; then words+=("$word"); fi
done
exec "$REAL_DOCKER" "\${words[@]}"
`;

/** Takes `-l USER` and HOST off, and runs the command here, in the folder that stands for the server's. */
const SSH = `#!/usr/bin/env bash
while [ $# -gt 0 ]; do
  case $1 in
    -o | -l) shift 2 ;;
    *) break ;;
  esac
done
shift
exec sh -c "$(sed "s#/mnt/buckets/linode-bincache#$TEST_WORLD/cache#g" <<<"$*")"
`;

const takeRecords = (file: string): string[][] => {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  rmSync(file, { force: true });
  return text
    .split('\x1e')
    .slice(0, -1)
    .map((record) => record.split('\x1f').slice(0, -1));
};

const compileCache = (): string =>
  process.env.NODE_COMPILE_CACHE ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway/node-compile-cache');

const startProcess = (
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): TestAtWork => {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const done = new Promise<TestEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      hasEnded = true;
      resolve({ exitCode: code ?? undefined, log });
    });
  });
  return {
    done,
    signal: (name) => void child.kill(name),
    async until(isThere) {
      while (!isThere()) {
        if (hasEnded) throw new Error(`ended too early:\n${log}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
};

const openWorld = (
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  flags: readonly string[],
): VendorTestWorld => {
  const at = (...names: string[]): string => join(folder, ...names);
  const start: VendorTestWorld['start'] = (words, more = {}) =>
    startProcess([STEP, ...flags, ...words], at('tree'), { ...env, ...more });
  const write: VendorTestWorld['write'] = (path, text, mode) => {
    mkdirSync(dirname(at('tree', path)), { recursive: true });
    writeFileSync(at('tree', path), text);
    if (mode !== undefined) chmodSync(at('tree', path), mode);
  };
  return {
    folder,
    tree: at('tree'),
    cache: at('cache'),
    read: (path) => (existsSync(at('tree', path)) ? readFileSync(at('tree', path), 'utf8') : ''),
    write,
    exists: (path) => existsSync(at('tree', path)),
    behave: (vendor, script, run) => write(`behave/${vendor}${run === undefined ? '' : `-${run}`}`, `${script}\n`),
    start,
    run: (...call) => start(...call).done,
    takeCalls: () =>
      takeRecords(at('tree/calls')).map(([vendor = '', first, cwd = '', ...args]) => ({
        ...{ vendor, cwd, args },
        isFirst: first === 'yes',
      })),
    takeRuns: () => takeRecords(at('runs')),
    containers: (prefix) =>
      execFileSync('docker', ['ps', '--all', '--format', '{{.Names}}'], { encoding: 'utf8' })
        .split('\n')
        .filter((name) => name.startsWith(prefix)),
  };
};

/** What a world is made of. */
export interface WorldOptions {
  /** A checkout to clone instead of the small tree. */
  readonly cloneOf?: string;
}

/** Makes worlds. */
export interface VendorTestStage {
  make(options?: WorldOptions): VendorTestWorld;
  /** Runs the original's `test_run` in a world made from its checkout. */
  runOriginal(
    world: VendorTestWorld,
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<TestEnd>;
  /** Reference of the image with the test tools. */
  image(): string;
}

/**
 * Call once per test file: an image with the tools that vendor scripts use, in a registry of its own, and worlds that use it.
 *
 * @param scripts text of further programs of the image by their names
 */
export const useVendorTests = (
  scripts: Readonly<Record<string, string>> = {},
  programs: readonly string[] = [],
): VendorTestStage => {
  const stage = mkdtempSync(join(realpathSync(tmpdir()), 'slipway-tests-'));
  let registry: TestRegistry | undefined;
  let sshd: TestSshd | undefined;
  let count = 0;
  const image = (): string => registry?.reference ?? '';
  const environmentOf = (folder: string) => ({
    ...gitTestEnv(join(folder, 'home')),
    PATH: `${stage}/bin:${process.env.PATH}`,
    REAL_DOCKER: execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim(),
    TEST_WORLD: folder,
    TMPDIR: join(folder, 'tmp'),
    NODE_COMPILE_CACHE: compileCache(),
    BUILDCACHE_DIR: join(folder, 'cache'),
    MAX_RETRIES: '3',
  });
  /** The settings of the original name a server, and flags go before them; ours is on this machine. */
  const serverOf = (folder: string): string[] => [
    ...['--buildcache-server', '127.0.0.1', '--buildcache-path-prefix', join(folder, 'cache')],
    ...['--buildcache-user', sshd?.user ?? '', '--buildcache-ssh-port', String(sshd?.port)],
    ...['--buildcache-ssh-key', sshd?.clientKey ?? '', '--buildcache-known-hosts', sshd?.knownHosts ?? ''],
  ];
  beforeAll(async () => {
    for (const [name, text] of Object.entries({ 'bin/docker': DOCKER, 'bin-bash/ssh': SSH })) {
      writeFileAt(join(stage, name), text);
      chmodSync(join(stage, name), 0o755);
    }
    makeToolRootfs([...SCRIPT_TOOLS, ...programs], join(stage, 'rootfs.tar'), scripts);
    registry = await startRegistry(join(stage, 'rootfs.tar'));
    mkdirSync(join(stage, 'ssh'));
    sshd = await startSshd({ folder: join(stage, 'ssh') });
  }, 60_000);
  afterAll(async () => {
    const reference = image();
    await Promise.all([registry?.close(), sshd?.stop()]);
    execFileSync('docker', ['rmi', '--force', reference], { stdio: 'ignore' });
    rmSync(stage, { recursive: true, force: true, maxRetries: 5 });
  }, 60_000);
  return {
    image,
    make({ cloneOf } = {}) {
      count += 1;
      const folder = join(stage, `world-${count}`);
      for (const name of ['home', 'tmp', 'cache']) mkdirSync(join(folder, name), { recursive: true });
      const env = environmentOf(folder);
      const world = openWorld(folder, env, cloneOf === undefined ? [] : serverOf(folder));
      const git = (...args: string[]): void => {
        execFileSync('git', args, { cwd: world.tree, env, stdio: ['ignore', 'ignore', 'inherit'] });
      };
      if (cloneOf === undefined) {
        cpSync(SMALL_TREE, world.tree, { recursive: true, verbatimSymlinks: true });
        git('init', '--quiet', '--initial-branch=main');
        git('add', '--all');
        git('-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', 'commit', '--quiet', '-m', 'Initial');
        git('tag', `stable-${VERSION.replace('+', '-')}`);
      } else {
        execFileSync('git', ['clone', '--quiet', '--shared', '--no-checkout', cloneOf, world.tree], { env });
        git('sparse-checkout', 'set', '--cone', 'ci-automation', 'sdk_lib', 'sdk_container/.repo');
        git('checkout', '--quiet');
      }
      world.write('sdk_container/.repo/manifests/mantle-container', `${image()}\n`);
      return world;
    },
    runOriginal: (world, words, more = {}) =>
      startProcess(['bash', '-c', 'source ci-automation/test.sh; test_run "$@"', 'bash', ...words], world.tree, {
        ...environmentOf(world.folder),
        PATH: `${stage}/bin-bash:${stage}/bin:${process.env.PATH}`,
        ...more,
      }).done,
  };
};
