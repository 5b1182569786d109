import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real sshd on loopback, with keys of its own. */
export interface TestSshd {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A private key that may log in. */
  readonly clientKey: string;
  /** A private key that may not. */
  readonly foreignKey: string;
  /** known_hosts that names this server. */
  readonly knownHosts: string;
  /** The server's public host key, as in known_hosts: type and base64. */
  readonly hostKey: string;
  readonly log: () => string;
  stop(): Promise<void>;
}

/** A port that was free a moment ago. */
export const findFreePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** Makes a key pair; returns the private key's path. */
export const makeSshKey = (file: string, type = 'ed25519', passphrase = ''): string => {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file]);
  return file;
};

const publicKeyOf = (file: string): string => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

const stopProcess = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
};

/** How to start it. */
export interface SshdOptions {
  /** Temporary folder for keys and configuration. */
  readonly folder: string;
  readonly port?: number;
  readonly hostKeyType?: string;
  /** More lines of sshd_config. */
  readonly config?: readonly string[];
}

/** Starts sshd (Debian package openssh-server) and waits until it listens. */
export const startSshd = async ({
  folder,
  port: wanted,
  hostKeyType = 'ed25519',
  config = [],
}: SshdOptions): Promise<TestSshd> => {
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
  const port = wanted ?? (await findFreePort());
  const at = (name: string): string => join(folder, name);
  const hostKeyFile = at(`host_${hostKeyType}`);
  if (!existsSync(hostKeyFile)) makeSshKey(hostKeyFile, hostKeyType);
  for (const name of ['client', 'foreign']) if (!existsSync(at(name))) makeSshKey(at(name));
  writeFileSync(at('authorized_keys'), `${publicKeyOf(at('client'))}\n`, { mode: 0o600 });
  writeFileSync(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKeyFile}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      `PidFile ${at('sshd.pid')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'UsePAM no',
      'MaxStartups 100',
      'Subsystem sftp internal-sftp',
      ...config,
      '',
    ].join('\n'),
  );
  const hostKey = publicKeyOf(hostKeyFile);
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (tries > 100 || child.exitCode !== null) throw new Error(`sshd did not start:\n${log}`);
    await sleep(50);
  }
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    clientKey: at('client'),
    foreignKey: at('foreign'),
    knownHosts: at('known_hosts'),
    hostKey,
    log: () => log,
    stop: () => stopProcess(child),
  };
};
