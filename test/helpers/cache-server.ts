import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CacheStore, createStore, type StoreParts, type StoreSettings } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { readShellBlocks, type ServerMachine, startServerMachine, withWords } from './server-machine.ts';
import { findFreePort, makeSshKey } from './sshd.ts';

const BLOCKS = readShellBlocks('docs/cache-server.md');

/** A shell block of docs/cache-server.md with words replaced. */
export const docBlock = (name: string, words: Readonly<Record<string, string>> = {}): string => {
  const block = BLOCKS.get(name);
  if (block === undefined) throw new Error(`docs/cache-server.md has no block ${name}`);
  return withWords(block, words);
};

/** A machine set up by sections 1 and 3 of docs/cache-server.md. */
export interface CacheServer {
  readonly machine: ServerMachine;
  readonly sshPort: number;
  /** Where the cache is for the tests. */
  readonly root: string;
  /** Private keys: of a worker, of the replica, and of nobody. */
  readonly keys: { readonly publisher: string; readonly replica: string; readonly foreign: string };
  /** Written as section 3 says. */
  readonly knownHosts: string;
  readonly sshdLog: () => string;
  /** Settings of a worker. */
  settings(more?: Partial<StoreSettings>): StoreSettings;
  open(more?: Partial<StoreSettings>, parts?: Partial<StoreParts>): CacheStore;
  stop(): Promise<void>;
}

/** Options that make ssh, scp, sftp and rsync's ssh use this server and nothing of this account. */
export const sshOptions = (server: CacheServer, key: string = server.keys.publisher): string[] => [
  ...['-F', 'none', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'],
  ...['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${server.knownHosts}`],
];

const PATIENCE = { tries: 3, firstDelayMs: 50, idleMs: 10_000 };

/**
 * Sets up a cache server by the blocks of docs/cache-server.md, and starts Debian's sshd with Debian's configuration and ours.
 *
 * @param folder temporary folder; needs root
 */
export const startCacheServer = async (folder: string): Promise<CacheServer> => {
  const at = (name: string): string => join(folder, name);
  execFileSync('mkdir', ['-p', at('machine')]);
  const machine = await startServerMachine(at('machine'));
  const names = { publisher: 'bincache', replica: 'bincache-replica' };
  const keys = {
    publisher: makeSshKey(at('publisher')),
    replica: makeSshKey(at('replica')),
    foreign: makeSshKey(at('foreign')),
  };
  machine.run(docBlock('jail'));
  machine.run(docBlock('sshd'));
  for (const role of ['publisher', 'replica'] as const) {
    const file = `/etc/ssh/cache-keys/bincache`;
    const words = { 'ssh-ed25519 AAAA... worker-1': readFileSync(`${keys[role]}.pub`, 'utf8').trim() };
    machine.run(docBlock('key', { ...words, [file]: `/etc/ssh/cache-keys/${names[role]}` }));
  }
  const sshPort = await findFreePort();
  const options = ['-o', 'ListenAddress=127.0.0.1', '-o', 'MaxStartups=100', '-p', String(sshPort)];
  const sshd = await machine.start(['/usr/sbin/sshd', '-D', '-e', '-f', '/etc/ssh/sshd_config', ...options], sshPort);
  const scan = docBlock('scan', { 'ed25519 cache.example.org': `ed25519 -p ${sshPort} 127.0.0.1` });
  execFileSync('sh', ['-euc', scan], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const knownHosts = at('slipway/known_hosts');
  execFileSync('sh', ['-euc', docBlock('pin', { '/etc/slipway': at('slipway') })], { cwd: folder });
  const stores: CacheStore[] = [];
  const server: CacheServer = {
    machine,
    sshPort,
    root: join(machine.srv, 'jail/srv/buildcache'),
    keys,
    knownHosts,
    sshdLog: sshd.log,
    settings: (more = {}) => ({
      server: '127.0.0.1',
      user: 'bincache',
      pathPrefix: '/srv/buildcache',
      sshPort,
      sshKey: keys.publisher,
      knownHosts,
      url: 'https://127.0.0.1:1',
      dir: '',
      ...more,
    }),
    open: (more, parts) => {
      const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
      const store = createStore(server.settings(more), { runner, patience: PATIENCE, tempFolder: folder, ...parts });
      stores.push(store);
      return store;
    },
    stop: async () => {
      for (const store of stores) await store.close();
      await machine.stop();
    },
  };
  return server;
};
