import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type CacheStore, createStore, type StoreParts, type StoreSettings } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { makeSshKey, startSshd, type TestSshd } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, writeFileAt } from '../helpers/temp-files.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const PATIENCE = { tries: 2, firstDelayMs: 30, idleMs: 3000 };

let sshd: TestSshd;
const stores: CacheStore[] = [];

beforeAll(async () => {
  sshd = await startSshd({ folder: makeFolder('sshd'), config: ['MaxAuthTries 3'] });
}, 30_000);

afterAll(() => sshd.stop());

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

/** A cache on a host of which only the ssh configuration knows anything. */
const open = (config: readonly string[], more: Partial<StoreSettings> = {}, parts: Partial<StoreParts> = {}) => {
  const root = makeFolder('root');
  const file = writeFileAt(join(makeFolder(), 'config'), `${config.join('\n')}\n`);
  // ssh reads the account's configuration, whatever HOME says: so it is told of another one on its way.
  const bin = makeFolder('bin');
  const ssh = execFileSync('which', ['ssh']).toString().trim();
  chmodSync(writeFileAt(join(bin, 'ssh'), `#!/bin/sh\nexec ${ssh} -F ${file} "$@"\n`), 0o755);
  const runner = createRunner({ cwd: '/', env: { PATH: `${bin}:${process.env.PATH}` } });
  const settings = { server: 'the-cache', user: sshd.user, pathPrefix: root, dir: '', ...more };
  const store = createStore(settings, { runner, patience: PATIENCE, tempFolder: makeFolder('temp'), ...parts });
  stores.push(store);
  const publish = async (): Promise<string[]> => {
    await store.publish([{ file: writeFileAt(join(makeFolder(), 'f'), 'x'), path: 'a/f' }]);
    return listTree(root);
  };
  return { store, publish };
};

const alias = (...more: readonly string[]): string[] => [
  'Host the-cache',
  'HostName 127.0.0.1',
  `Port ${sshd.port}`,
  `UserKnownHostsFile ${sshd.knownHosts}`,
  ...more,
];

const startAgent = (keys: readonly string[]) => {
  const agentSocket = join(makeFolder('agent'), 'socket');
  const agent = execFileSync('ssh-agent', ['-a', agentSocket, '-s']).toString();
  const env = { PATH: process.env.PATH, SSH_AUTH_SOCK: agentSocket };
  for (const key of keys) execFileSync('ssh-add', ['-q', key], { env });
  return { agentSocket, stop: () => process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1])) };
};

describe('the ssh configuration of the account counts', () => {
  test('for name, port, key and known hosts, and listing uses the same', async () => {
    const { store, publish } = open(alias(`IdentityFile ${sshd.clientKey}`));
    await expect(publish()).resolves.toEqual(['a/f']);
    await expect(store.list('a')).resolves.toEqual(['f']);
  });

  test('unless our own settings say otherwise', async () => {
    const wrong = ['Host the-cache', 'HostName 127.0.0.1', 'Port 1', `IdentityFile ${sshd.foreignKey}`];
    const { port: sshPort, clientKey: sshKey, knownHosts } = sshd;
    await expect(open(wrong, { sshPort, sshKey, knownHosts }).publish()).resolves.toEqual(['a/f']);
  });

  test('for the agent and the one of its keys that may be used: a server has no patience with many', async () => {
    const others = ['1', '2', '3', '4'].map((name) => makeSshKey(join(makeFolder(), name)));
    const { agentSocket, stop } = startAgent([...others, sshd.clientKey]);
    try {
      const publicOnly = writeFileAt(join(makeFolder(), 'client.pub'), readFileSync(`${sshd.clientKey}.pub`));
      const config = [`IdentityAgent ${agentSocket}`, `IdentityFile ${publicOnly.slice(0, -4)}`, 'IdentitiesOnly yes'];
      await expect(open(alias(...config)).publish()).resolves.toEqual(['a/f']);
    } finally {
      stop();
    }
  });

  test('for the name of the host key', async () => {
    const knownHosts = writeFileAt(join(makeFolder(), 'known'), `cache-key ${sshd.hostKey}\n`);
    const key = `IdentityFile ${sshd.clientKey}`;
    await expect(open(alias('HostKeyAlias cache-key', key), { knownHosts }).publish()).resolves.toEqual(['a/f']);
    await expect(open(alias('HostKeyAlias another', key), { knownHosts }).publish()).rejects.toMatchObject({
      code: 'CACHE_HOST_KEY',
      data: { problem: 'unknown', forgetName: 'another' },
    });
  });

  test('but never for not checking host keys', async () => {
    const config = alias(`IdentityFile ${sshd.clientKey}`, 'StrictHostKeyChecking no');
    await expect(open(config, { knownHosts: '/dev/null' }).publish()).rejects.toMatchObject({ code: 'CACHE_HOST_KEY' });
  });

  test('for a way through another host', async () => {
    const hop = ['Host hop', 'HostName 127.0.0.1', `Port ${sshd.port}`, `UserKnownHostsFile ${sshd.knownHosts}`];
    const key = `IdentityFile ${sshd.clientKey}`;
    await expect(open([...alias(key, 'ProxyJump hop'), ...hop, key]).publish()).resolves.toEqual(['a/f']);
  });

  test('for a proxy command', async () => {
    const pipe = writeFileAt(
      join(makeFolder(), 'pipe.mjs'),
      'const s=(await import("node:net")).connect(+process.argv[3],process.argv[2]);process.stdin.pipe(s).pipe(process.stdout)',
    );
    const command = `ProxyCommand ${process.execPath} ${pipe} %h %p`;
    await expect(open(alias(`IdentityFile ${sshd.clientKey}`, command)).publish()).resolves.toEqual(['a/f']);
    const broken = open(alias(`IdentityFile ${sshd.clientKey}`, 'ProxyCommand false')).publish();
    await expect(broken).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE' });
  });

  test('and one that ssh does not understand is named', async () => {
    await expect(open(['Host the-cache', 'Nonsense yes']).publish()).rejects.toMatchObject({
      code: 'CACHE_SETTING_INVALID',
      message: expect.stringMatching(/nonsense/i),
    });
  });
});
