import type { Client, SFTPWrapper } from 'ssh2';
import { slipwayError } from '../../errors/index.ts';
import { problemOf, TransientError } from '../failures.ts';
import { createHostKeyCheck } from './host-key-check.ts';
import { findLogin } from './login.ts';

/** How to reach the server's sshd. */
export interface SshSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly sshKey: string | undefined;
  readonly agentSocket: string | undefined;
  /** Absolute paths of known_hosts files. */
  readonly knownHosts: readonly string[];
}

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

/**
 * Connects, checks the host key, logs in, opens SFTP.
 *
 * Throws `CACHE_HOST_KEY`, `CACHE_LOGIN`, `CACHE_SSH_KEY_INVALID`, `CACHE_SERVER_UNSUITABLE`, or `TransientError`.
 */
export const openSftpSession = async (settings: SshSettings): Promise<SftpSession> => {
  const { host, port, user } = settings;
  // Only when a server is used: the library takes a while to load.
  const { Client: SshClient, utils } = (await import('ssh2')).default;
  const hostKeys = createHostKeyCheck(settings);
  const login = findLogin(settings, user, utils.parseKey);
  const refused = (): Error => slipwayError('CACHE_LOGIN', { host, port, user, credentials: login.description });
  if (login.methods.length === 0) throw refused();

  const client = new SshClient();
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
        end ??= new TransientError('the ssh connection was closed');
        reject(end);
      });
      const waiting = [...login.methods];
      client.connect({
        host,
        port,
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
    throw error;
  }
};
