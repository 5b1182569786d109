import { afterAll, beforeAll } from '@jest/globals';
import { type CacheStore, createStore, type StoreParts, type StoreSettings } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { makeCertificates, startHttpsServer, type TestHttpsServer } from './https-server.ts';
import { startSshd, type TestSshd } from './sshd.ts';
import type { MakeFolder } from './temp.ts';

/** Patience for servers that are made to fail. */
export const SHORT_PATIENCE = { tries: 4, firstDelayMs: 20, idleMs: 500 };

/** A real sshd and a real HTTPS server over one folder. */
export interface CacheServers {
  /** What both serve. */
  readonly root: () => string;
  readonly https: () => TestHttpsServer;
  readonly sshd: () => TestSshd;
  /** Kills the sshd and starts it again at the same port. */
  restartSshd(): Promise<void>;
  stopSshd(): Promise<void>;
  settings(more?: Partial<StoreSettings>): StoreSettings;
  open(more?: Partial<StoreSettings>, parts?: Partial<StoreParts>): CacheStore;
}

/** Starts both for the tests of a file; each `prefix` is a cache of its own. */
export const useCacheServers = (makeFolder: MakeFolder): CacheServers => {
  let root = '';
  let caFile = '';
  let https: TestHttpsServer | undefined;
  let sshd: TestSshd | undefined;
  const stores: CacheStore[] = [];
  const must = <Value>(value: Value | undefined): Value => {
    if (value === undefined) throw new Error('The servers are started before the first test.');
    return value;
  };
  let folder = '';

  beforeAll(async () => {
    root = makeFolder('served');
    folder = makeFolder('sshd');
    const certificates = makeCertificates(makeFolder('pki'), ['other,IP:10.213.7.1']);
    caFile = certificates.caFile;
    https = await startHttpsServer(root, certificates);
    sshd = await startSshd({ folder });
  });

  afterAll(async () => {
    for (const store of stores) await store.close();
    await sshd?.stop();
    await https?.stop();
  });

  const settings = (more: Partial<StoreSettings> = {}): StoreSettings => {
    const { user, port: sshPort, clientKey: sshKey, knownHosts } = must(sshd);
    const { pathPrefix = root } = more;
    const url = `${must(https).url}${pathPrefix.slice(root.length)}`;
    return { server: '127.0.0.1', user, pathPrefix, sshPort, sshKey, knownHosts, caFile, dir: '', url, ...more };
  };

  return {
    root: () => root,
    https: () => must(https),
    sshd: () => must(sshd),
    settings,
    open: (more, parts) => {
      const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
      const store = createStore(settings(more), { runner, tempFolder: makeFolder('outbox'), ...parts });
      stores.push(store);
      return store;
    },
    stopSshd: () => must(sshd).stop(),
    restartSshd: async () => {
      const { port } = must(sshd);
      await must(sshd).stop();
      sshd = await startSshd({ folder, port });
    },
  };
};
