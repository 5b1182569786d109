import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { docker, removeOwnContainers, removeOwnImages, STAGE_LABEL } from './conformance-docker.ts';
import { compileCache, type Side, type StepAtWork, type StepEnd, startStep } from './conformance-step.ts';
import { FIXED_DATES } from './conformance-tree.ts';
import { gitTestEnv } from './git-clone.ts';
import type { TestKey } from './gpg.ts';
import type { TestHttpsServer } from './https-server.ts';
import type { TestSshd } from './sshd.ts';
import { listTree } from './temp-files.ts';

/** What the stage gives to a world. */
export interface WorldParts {
  readonly stage: string;
  readonly https: TestHttpsServer;
  readonly mirror: TestHttpsServer;
  readonly sshd: TestSshd;
  readonly key: TestKey;
  readonly caFile: string;
}

/** Added to the environment of a step; `undefined` removes a variable. */
export type StepEnv = Readonly<Record<string, string | undefined>>;

/** An OS tree with its origin, a cache behind real servers, and what the stand-ins wrote down; see test/conformance/README.md. */
export interface ConformanceWorld extends WorldParts {
  /** Absolute path; so are the others. */
  readonly folder: string;
  readonly tree: string;
  readonly origin: string;
  readonly cache: string;
  /** For signed steps: `SIGNER` and `SIGNING_KEY`. */
  readonly signing: StepEnv;
  /** Runs git in the tree; gives its standard output without the last line end. */
  git(...args: string[]): string;
  /** Reads a text file below `folder`; empty when there is none. */
  read(path: string): string;
  /** Writes a file below `folder`. */
  write(path: string, text: string): void;
  exists(path: string): boolean;
  /** Makes a stand-in fail, hang and so on; undefined: end well again. */
  behave(name: string, how: string | undefined): void;
  start(side: Side, step: string, args: readonly string[], env?: StepEnv): StepAtWork;
  run(side: Side, step: string, args: readonly string[], env?: StepEnv): Promise<StepEnd>;
  /** Puts a tiny SDK image into the registry or, `local`, into the engine. @param version with or without `+` */
  offerSdk(flavour: string, version: string, where?: 'registry' | 'local'): void;
  /** A fresh clone, as the next step of a pipeline has on another machine; the engine is emptied too. */
  nextMachine(ref: string): void;
  removeImages(): void;
  /** Takes a folder of the cache away and gives it to the release mirror. */
  moveToMirror(name: string): void;
  /** All files in the cache, sorted. */
  filesInCache(): string[];
}

const environmentOf = (folder: string, { stage, https, mirror, sshd, caFile }: WorldParts) => {
  const common = {
    ...gitTestEnv(join(folder, 'home')),
    ...FIXED_DATES,
    CONFORMANCE_WORLD: folder,
    TMPDIR: join(folder, 'tmp'),
    BUILDCACHE_SERVER: 'localhost',
    CURL_HOME: join(stage, 'curl'),
  };
  const path = process.env.PATH ?? '';
  const bash = { ...common, PATH: `${stage}/bin:${stage}/bin-bash:${path}` };
  const slipway = {
    ...common,
    PATH: `${stage}/bin:${path}`,
    NODE_COMPILE_CACHE: compileCache(),
    BUILDCACHE_SSH_PORT: String(sshd.port),
    BUILDCACHE_SSH_KEY: sshd.clientKey,
    BUILDCACHE_KNOWN_HOSTS: join(stage, 'known_hosts'),
    BUILDCACHE_URL: `https://localhost:${https.port}`,
    BUILDCACHE_MIRROR_URL: `https://localhost:${mirror.port}`,
    BUILDCACHE_CA_FILE: caFile,
  };
  return { bash, slipway };
};

/** Opens a world that is there. @param folder absolute path */
export const openWorld = (folder: string, parts: WorldParts): ConformanceWorld => {
  const at = (...names: string[]): string => join(folder, ...names);
  const environment = environmentOf(folder, parts);
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: at('tree'), env: environment.bash, encoding: 'utf8' }).trimEnd();
  const start = (side: Side, step: string, args: readonly string[], env: StepEnv = {}): StepAtWork =>
    startStep(side, [step, ...args], { cwd: at('tree'), env: { ...environment[side], ...env } });
  const world: ConformanceWorld = {
    ...parts,
    folder,
    tree: at('tree'),
    origin: at('origin.git'),
    cache: at('cache'),
    signing: { SIGNER: parts.key.fingerprint, SIGNING_KEY: parts.key.secretKeyFile },
    git,
    read: (path) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : ''),
    write(path, text) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    },
    exists: (path) => existsSync(at(path)),
    behave(name, how) {
      if (how === undefined) rmSync(at('behave', name), { force: true });
      else writeFileSync(at('behave', name), `${how}\n`);
    },
    start,
    run: (...call) => start(...call).done,
    offerSdk(flavour, version, where = 'registry') {
      const name = `ghcr.io/flatcar/flatcar-sdk-${flavour}:${version.replaceAll('+', '-')}`;
      const root = spawnSync(at('tree', 'conformance_lib/make-rootfs.sh'), [name]).stdout;
      execFileSync('docker', ['import', '-c', `LABEL ${STAGE_LABEL}=${parts.stage}`, '-', name], { input: root });
      if (where === 'local') return;
      docker('save', '-o', at('registry', name.replaceAll('/', '%')), name);
      docker('rmi', name);
    },
    nextMachine(ref) {
      rmSync(at('tree'), { recursive: true });
      const clone = ['clone', '--quiet', '--shared', '--no-checkout', './origin.git', 'tree'];
      execFileSync('git', clone, { cwd: folder, env: environment.bash });
      git('remote', 'set-url', 'origin', '../origin.git');
      const sparse = world.read('sparse').split('\n').filter(Boolean);
      if (sparse.length > 0) git('sparse-checkout', 'set', '--cone', ...sparse);
      git('checkout', '--quiet', ref);
      world.removeImages();
    },
    filesInCache: () => listTree(at('cache')),
    moveToMirror: (name) => renameSync(at('cache', name), at('mirror', name)),
    removeImages() {
      removeOwnContainers(parts.stage);
      removeOwnImages(parts.stage);
    },
  };
  return world;
};
