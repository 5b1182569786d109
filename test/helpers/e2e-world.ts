/**
 * The world of the end-to-end story, in one temporary folder: a copy of Slipway as somebody's checkout, a cache server (sshd and HTTPS with
 * an authority of its own), settings by environment. Nothing of the user's own cache, workspace or keys is used.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { SETTINGS } from '../../lib/config/index.ts';
import { openTestEngine, type TestEngine } from './e2e-engine.ts';
import { createLoggedRunner, type LoggedRunner } from './e2e-process.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from './https-server.ts';
import { startSshd, type TestSshd } from './sshd.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What a checkout of Slipway needs to run; a `ci-config.env` of the user's is left out. */
const PARTS = ['ci-automation', 'lib', 'config', 'skiff', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** The world; see {@link createWorld}. */
export interface World {
  /** Absolute; everything is below it. */
  readonly folder: string;
  /** Copy of Slipway. */
  readonly slipway: string;
  /** What the cache server serves. */
  readonly server: string;
  /** Where programs put temporary files; empty when nothing runs. */
  readonly temp: string;
  /** The nightly's workspace. */
  readonly workspace: string;
  readonly https: TestHttpsServer;
  readonly engine: TestEngine;
  readonly programs: LoggedRunner;
  /** The environment of a CI job: the settings of the cache server, and this machine's without any settings of its user. */
  readonly env: Record<string, string | undefined>;
  /** Absolute path of a step script in the copy. */
  script(name: string): string;
  /** A new clone of the origin with a tag checked out. */
  cloneTag(tag: string): Promise<string>;
  /** Ends everything and removes everything. @param keepLogs leaves the folder `logs` */
  close(options: { readonly keepLogs: boolean }): Promise<void>;
}

/** The settings of the user who runs the tests must not steer them. */
const machineEnvironment = (): Record<string, string | undefined> => {
  const settings = new Set<string>(Object.keys(SETTINGS).filter((name) => name !== 'docker'));
  const foreign = /^(BUILDCACHE_|SLIPWAY_|CIA_|npm_|JEST_|GIT_)|^(NODE_OPTIONS|GNUPGHOME)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.has(name) && !foreign.test(name)));
};

const copySlipway = (target: string): void => {
  for (const part of PARTS) cpSync(join(ROOT, part), join(target, part), { recursive: true });
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(target, 'node_modules'));
};

const cacheSettings = (server: string, sshd: TestSshd, https: TestHttpsServer, caFile: string) => ({
  BUILDCACHE_SERVER: sshd.host,
  BUILDCACHE_USER: sshd.user,
  BUILDCACHE_PATH_PREFIX: server,
  BUILDCACHE_SSH_PORT: String(sshd.port),
  BUILDCACHE_SSH_KEY: sshd.clientKey,
  BUILDCACHE_KNOWN_HOSTS: sshd.knownHosts,
  BUILDCACHE_URL: https.url,
  BUILDCACHE_CA_FILE: caFile,
});

/** Removes a folder in which containers may have left files of root's. */
const removeFolder = async (folder: string): Promise<void> => {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await execa('sudo', ['-n', 'rm', '-rf', folder]);
  }
};

/** Makes the world, with its servers running. */
export const createWorld = async (): Promise<World> => {
  // Short, because sockets of gpg-agent and QEMU get long names below it.
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'e2e-'));
  const at = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const stop = new AbortController();
  copySlipway(at('slipway'));
  const certificates = makeCertificates(at('pki'));
  const server = at('server');
  const https = await startHttpsServer(server, certificates);
  const sshd = await startSshd({ folder: at('sshd') });
  const cache = at('cache');
  const env = {
    ...machineEnvironment(),
    ...cacheSettings(server, sshd, https, certificates.caFile),
    XDG_CACHE_HOME: cache,
    SLIPWAY_CACHE_DIR: join(cache, 'slipway'),
    TMPDIR: at('t'),
    LC_ALL: 'C.UTF-8',
  };
  const workspace = join(cache, 'slipway/nightly/skiff');
  let clones = 0;
  return {
    folder,
    slipway: join(folder, 'slipway'),
    server,
    temp: env.TMPDIR,
    workspace,
    https,
    env,
    engine: await openTestEngine(env),
    programs: createLoggedRunner(at('logs'), stop.signal),
    script: (name) => join(folder, 'slipway/ci-automation', `${name}.ts`),
    async cloneTag(tag) {
      clones += 1;
      const target = join(at('clones'), String(clones));
      const options = ['-c', 'advice.detachedHead=false', 'clone', '--quiet', '--branch', tag];
      await execa('git', [...options, join(workspace, 'origin.git'), target], { env, extendEnv: false });
      return target;
    },
    async close({ keepLogs }) {
      stop.abort();
      await sshd.stop();
      await https.stop();
      if (!keepLogs) return removeFolder(folder);
      const others = existsSync(folder) ? readdirSync(folder).filter((name) => name !== 'logs') : [];
      for (const name of others) await removeFolder(join(folder, name));
    },
  };
};
