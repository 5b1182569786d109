import { Duplex } from 'node:stream';
import type { Client, SFTPWrapper } from 'ssh2';
import { slipwayError } from '../../errors/index.ts';
import type { Runner } from '../../process/index.ts';
import { problemOf, TransientError } from '../failures.ts';
import { createHostKeyCheck } from './host-key-check.ts';
import { findLogin } from './login.ts';
import type { SshSettings } from './settings.ts';
import { expandProxyCommand } from './user-config.ts';

/** An SFTP session on an authenticated connection of its own. */
export interface SftpSession {
  readonly sftp: SFTPWrapper;
  /** Why the connection ended, once it has. */
  readonly ended: () => Error | undefined;
  close(): void;
}

const READY_TIMEOUT_MS = 20_000;
const KEEPALIVE_MS = 5_000;
const KEEPALIVE_MISSES = 4;

interface Ssh2Error extends Error {
  /** ssh2: where it failed. */
  readonly level?: string;
}

const openSftp = (client: Client, host: string): Promise<SFTPWrapper> =>
  new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (!error) return resolve(sftp);
      reject(slipwayError('CACHE_SERVER_UNSUITABLE', { host, reason: `it offers no SFTP (${error.message})` }, error));
    });
  });

/** A connection through a command of the user's ssh configuration; undefined when there is none. */
const openProxy = ({ proxyCommand, host, port, user }: SshSettings, runner: Runner) => {
  if (proxyCommand === undefined) return undefined;
  // As ssh runs it: the user wrote it for a shell.
  const running = runner.start(['sh', '-c', `exec ${expandProxyCommand(proxyCommand, host, port, user)}`]);
  const stream = Duplex.from({ readable: running.stdout, writable: running.stdin });
  stream.on('error', () => {});
  running.done.catch((error: unknown) => stream.destroy(error as Error));
  return { stream, stop: () => running.stop() };
};

/**
 * Connects, checks the host key, logs in, opens SFTP.
 *
 * Throws `CACHE_HOST_KEY`, `CACHE_LOGIN`, `CACHE_SSH_KEY_INVALID`, `CACHE_SERVER_UNSUITABLE`, or `TransientError`.
 */
export const openSftpSession = async (settings: SshSettings, runner: Runner): Promise<SftpSession> => {
  const { host, port, user } = settings;
  // Only when a server is used: the library takes a while to load.
  const { Client: SshClient, createAgent, utils } = (await import('ssh2')).default;
  const hostKeys = createHostKeyCheck(settings);
  const login = findLogin(settings, { parseKey: utils.parseKey, createAgent });
  const refused = (): Error => slipwayError('CACHE_LOGIN', { host, port, user, credentials: login.description });
  if (login.methods.length === 0) throw refused();

  const client = new SshClient();
  const proxy = openProxy(settings, runner);
  let hostKeyFault: Error | undefined;
  let end: Error | undefined;
  const explain = (error: Ssh2Error): Error => {
    if (hostKeyFault) return hostKeyFault;
    if (error.level === 'client-authentication') return refused();
    return new TransientError(`ssh on port ${port}: ${problemOf(error)}`, { cause: error });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      // Each operation is a small packet that waits for its answer: bundling packets costs 40 ms apiece.
      client.once('connect', () => client.setNoDelay(true));
      client.on('error', (error) => {
        end ??= explain(error);
        reject(end);
      });
      client.on('close', () => {
        proxy?.stop();
        end ??= new TransientError('the ssh connection was closed');
        reject(end);
      });
      const waiting = [...login.methods];
      client.connect({
        ...(proxy ? { sock: proxy.stream } : { host, port }),
        username: user,
        readyTimeout: READY_TIMEOUT_MS,
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVE_MISSES,
        algorithms: { serverHostKey: [...hostKeys.algorithms] as never },
        hostVerifier: (key: Buffer) => {
          hostKeyFault = hostKeys.check(key);
          return hostKeyFault === undefined;
        },
        authHandler: (_left, _partial, next) => next((waiting.shift() ?? false) as never),
      });
    });
    const sftp = await openSftp(client, host);
    return { sftp, ended: () => end, close: () => client.end() };
  } catch (error) {
    client.destroy();
    proxy?.stop();
    throw error;
  }
};
