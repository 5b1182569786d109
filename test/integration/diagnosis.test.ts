/** The known troubles, provoked with the real programs: what they print today is what the table is about. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { diagnose } from '../../lib/diagnosis/index.ts';
import { type Command, createRunner } from '../../lib/process/index.ts';
import { makeTestKey, signAt } from '../helpers/gpg.ts';
import { makeCertificates } from '../helpers/https-server.ts';
import { findFreePort, startSshd, type TestSshd } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeFolder = useTempFolders();
const NOT_FOUND = 'no-such-host.invalid';

/** What is diagnosed when the command fails, with what it printed, so that a mismatch explains itself. */
const causeOf = async (command: Command, cwd = '/', env: Record<string, string> = {}) => {
  const home = makeFolder();
  const runner = createRunner({ cwd, env: { PATH: process.env.PATH, HOME: home, LC_ALL: 'C', ...env } });
  const error = await runner.run(command, { timeoutMs: 60_000 }).then(
    () => new Error('it ended well'),
    (thrown: Error & { hint?: string }) => thrown,
  );
  return { id: diagnose(error)?.id, said: `${error.message} ${'hint' in error ? error.hint : ''}` };
};

const sh = (script: string): Command => ['sh', '-c', script];

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const listen = (server: Server): Promise<void> =>
  new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));

const close = (server: Server): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));

/** In a mount namespace of its own, which takes its mounts with it. */
const withMount = (options: string, script: string): Command => {
  const folder = makeFolder();
  return ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs -o ${options} none ${folder} && cd ${folder} && ${script}`];
};

describe('disks', () => {
  test('a full one', async () => {
    const filled = withMount('size=64k', 'cp /bin/bash . ');
    expect(await causeOf(filled)).toMatchObject({ id: 'disk-full' });
    expect(await causeOf(withMount('size=64k', 'tar -cf x.tar /bin/bash'))).toMatchObject({ id: 'disk-full' });
  });

  test('one that cannot be written to', async () => {
    expect(await causeOf(withMount('ro', 'mkdir x'))).toMatchObject({ id: 'read-only' });
  });
});

describe('memory', () => {
  test('that a program is refused', async () => {
    for (const program of [`perl -e '$x = "a" x 500000000'`, 'dd if=/dev/zero of=/dev/null bs=1G count=1']) {
      expect(await causeOf(sh(`ulimit -v 100000; exec ${program}`))).toMatchObject({ id: 'out-of-memory' });
    }
  });

  test('for which the kernel kills it', async () => {
    expect(await causeOf(sh('kill -9 $$'))).toMatchObject({ id: 'out-of-memory' });
    expect(await causeOf(sh("sh -c 'kill -9 $$'; exit $?"))).toMatchObject({ id: 'out-of-memory' });
  });
});

describe('the network', () => {
  test.each([
    ['curl', ['curl', '-sS', `https://${NOT_FOUND}/`]],
    ['ssh', ['ssh', '-o', 'BatchMode=yes', NOT_FOUND, 'true']],
    ['git', ['git', 'ls-remote', `https://${NOT_FOUND}/x`]],
    ['rsync', ['rsync', `rsync://${NOT_FOUND}/x`, '.']],
  ] as const)('a name that nobody knows: %s', async (_, command) => {
    expect(await causeOf(command as unknown as Command)).toMatchObject({ id: 'name-resolution' });
  });

  test('a port where nobody listens', async () => {
    const port = await findFreePort();
    expect(await causeOf(['curl', '-sS', `http://127.0.0.1:${port}/`])).toMatchObject({ id: 'connection-refused' });
    const ssh: Command = ['ssh', '-o', 'BatchMode=yes', '-p', String(port), '127.0.0.1', 'true'];
    expect(await causeOf(ssh)).toMatchObject({ id: 'connection-refused' });
  });

  test('a server that has had enough', async () => {
    const server = createServer((_, response) => void response.writeHead(429).end('slow down'));
    await listen(server);
    try {
      const url = `http://127.0.0.1:${portOf(server)}/`;
      expect(await causeOf(['curl', '-sSf', url])).toMatchObject({ id: 'rate-limit' });
      expect(await causeOf(['git', 'ls-remote', url])).toMatchObject({ id: 'rate-limit' });
    } finally {
      await close(server);
    }
  });
});

describe('certificates', () => {
  const openTls = async (certFile: string, keyFile: string): Promise<Server> => {
    const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, response) =>
      response.end('x'),
    );
    server.on('tlsClientError', () => {});
    await listen(server);
    return server;
  };

  test('of an authority that nobody knows, and for another name', async () => {
    const { certFile, keyFile, caFile } = makeCertificates(makeFolder());
    const server = await openTls(certFile, keyFile);
    const at = (host: string): string => `https://${host}:${portOf(server)}/`;
    try {
      expect(await causeOf(['curl', '-sS', at('127.0.0.1')])).toMatchObject({ id: 'certificate' });
      expect(await causeOf(['git', 'ls-remote', at('127.0.0.1')])).toMatchObject({ id: 'certificate' });
      const named: Command = [
        'curl',
        '-sS',
        '--cacert',
        caFile,
        '--resolve',
        `other.test:${portOf(server)}:127.0.0.1`,
        at('other.test'),
      ];
      expect(await causeOf(named)).toMatchObject({ id: 'certificate' });
    } finally {
      await close(server);
    }
  });

  test('that has expired', async () => {
    const folder = makeFolder();
    const at = (name: string): string => join(folder, name);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
    const [key, cert] = [at('key'), at('cert')];
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n');
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-new', ...algorithm, '-keyout', key, '-out', at('request'), '-subj', '/CN=127.0.0.1');
    const of = ['-in', at('request'), '-signkey', key, '-out', cert, '-extfile', at('names')];
    openssl('x509', '-req', ...of, '-days', '-1');
    const server = await openTls(cert, key);
    try {
      const url = `https://127.0.0.1:${portOf(server)}/`;
      expect(await causeOf(['curl', '-sS', '--cacert', cert, url])).toMatchObject({ id: 'clock' });
    } finally {
      await close(server);
    }
  });
});

describe('ssh', () => {
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd({ folder: makeFolder('sshd') });
  });
  afterAll(() => sshd.stop());

  const connect = (key: string, knownHosts: string): Command => [
    'ssh',
    ...['-F', 'none', '-i', key, '-p', String(sshd.port)],
    ...['-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-o', `UserKnownHostsFile=${knownHosts}`],
    ...['-o', 'StrictHostKeyChecking=yes', `${sshd.user}@127.0.0.1`, 'true'],
  ];

  test('a key that may not log in', async () => {
    expect(await causeOf(connect(sshd.foreignKey, sshd.knownHosts))).toMatchObject({ id: 'ssh-key' });
  });

  test('a host key that is not known, and one that changed', async () => {
    const [unknown, changed] = [join(makeFolder(), 'unknown'), join(makeFolder(), 'changed')];
    writeFileSync(unknown, '');
    const other = readFileSync(`${sshd.clientKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(changed, `[127.0.0.1]:${sshd.port} ${other}\n`);
    expect(await causeOf(connect(sshd.clientKey, unknown))).toMatchObject({ id: 'host-key' });
    expect(await causeOf(connect(sshd.clientKey, changed))).toMatchObject({ id: 'host-key' });
  });
});

describe('git', () => {
  const NOBODY = { GIT_CONFIG_NOSYSTEM: '1', EMAIL: '' };
  const AS = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];

  const makeRepository = (): string => {
    const folder = makeFolder('git');
    execFileSync('git', ['init', '--quiet', '--bare', 'origin.git'], { cwd: folder });
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', 'work'], { cwd: folder });
    const work = join(folder, 'work');
    execFileSync('git', [...AS, 'commit', '--quiet', '--allow-empty', '-m', 'one'], { cwd: work });
    execFileSync('git', ['remote', 'add', 'origin', '../origin.git'], { cwd: work });
    execFileSync('git', ['push', '--quiet', 'origin', 'main'], { cwd: work });
    return work;
  };

  test('nobody to commit as', async () => {
    const work = makeRepository();
    const commit: Command = ['git', '-c', 'user.useConfigOnly=true', 'commit', '--allow-empty', '-m', 'two'];
    expect(await causeOf(commit, work, NOBODY)).toMatchObject({ id: 'git-identity' });
  });

  test('a push that is behind, and one that a hook refuses', async () => {
    const work = makeRepository();
    execFileSync('git', [...AS, 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'other'], { cwd: work });
    expect(await causeOf(['git', 'push', 'origin', 'main'], work)).toMatchObject({ id: 'push-rejected' });
    const hooks = join(work, '../origin.git/hooks');
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, 'pre-receive'), '#!/bin/sh\necho "not today" >&2\nexit 1\n', { mode: 0o755 });
    expect(await causeOf(['git', 'push', '--force', 'origin', 'main'], work)).toMatchObject({ id: 'push-rejected' });
  });
});

describe('keys', () => {
  test('that have expired', async () => {
    const folder = makeFolder('keys');
    const key = makeTestKey({ folder, name: 'Old', expired: true });
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    signAt(key, file, '20200601T000000');
    const home = makeFolder('g');
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--import', key.publicKeyFile], { stdio: 'pipe' });
    // gpg calls the signature of a time when the key was valid good, and says so with a note; those who must be strict fail on it.
    const verify = `gpg --homedir ${home} --batch --status-fd 2 --verify ${file}.sig ${file}; exit 1`;
    expect(await causeOf(sh(verify))).toMatchObject({ id: 'key-expired' });
  });
});

describe('the container engine', () => {
  test('at a socket where there is none', async () => {
    const socket = join(makeFolder(), 'docker.sock');
    expect(await causeOf(['docker', '-H', `unix://${socket}`, 'info'])).toMatchObject({ id: 'engine-down' });
  });

  test('whose socket this user may not use', async () => {
    const folder = makeFolder('engine');
    const socket = join(folder, 'docker.sock');
    const server = createServer(() => {});
    await new Promise<void>((resolve) => void server.listen(socket, () => resolve()));
    try {
      execFileSync('chmod', ['755', folder]);
      execFileSync('chmod', ['600', socket]);
      const asNobody: Command = [
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'docker',
        '-H',
        `unix://${socket}`,
        'info',
      ];
      expect(await causeOf(asNobody)).toMatchObject({ id: 'engine-denied' });
    } finally {
      await close(server);
    }
  });
});
