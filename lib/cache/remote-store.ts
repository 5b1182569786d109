import { slipwayError } from '../errors/index.ts';
import { type Log, silentLog } from '../log/index.ts';
import type { Runner } from '../process/index.ts';
import { createHttpsReader } from './https/reader.ts';
import { STAGING, validateFolder, validatePath } from './paths.ts';
import { publishRemotely } from './remote-publish.ts';
import type { SshSettings } from './ssh/connection.ts';
import { inSshFolder, isLoginConfigured } from './ssh/login.ts';
import { createSftpFs } from './ssh/sftp-fs.ts';
import { createSftpLink } from './ssh/sftp-link.ts';
import { removeFromCache } from './staging.ts';
import { PATIENCE, type Patience } from './try-again.ts';
import type { CacheStore } from './types.ts';

/** What a remote store needs. */
export interface RemoteStoreOptions {
  /** Host name or address. */
  readonly server: string;
  /** Account on the server; empty: no ssh, the cache can only be read. */
  readonly user: string;
  /** Folder on the server that holds the cache. */
  readonly pathPrefix: string;
  readonly sshPort: number;
  /** Absolute path of a private key; undefined: ssh agent, then the account's usual keys. */
  readonly sshKey?: string;
  /** Socket of the ssh agent. */
  readonly agentSocket?: string;
  /** Absolute path; undefined: the account's and the system's. */
  readonly knownHosts?: string;
  /** Where the cache is read; undefined: `https://SERVER`. */
  readonly url?: string;
  /** Absolute path of a PEM file; undefined: usual authorities. */
  readonly caFile?: string;
  /** Really runs rsync. */
  readonly runner: Runner;
  /** Absolute path of a folder for temporary files. */
  readonly tempFolder: string;
  readonly log?: Log;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

const check = (setting: string, value: string, isFine: boolean, reason: string): void => {
  if (!isFine) throw slipwayError('CACHE_SETTING_INVALID', { setting, value, reason });
};

/** These end up in an ssh configuration and on rsync's command line. */
const checkSettings = ({ server, user, pathPrefix, sshPort }: RemoteStoreOptions): void => {
  check(
    'BUILDCACHE_SERVER',
    server,
    /^[\w.:-]+$/.test(server) && !server.startsWith('-'),
    'expected a host name or address',
  );
  check('BUILDCACHE_USER', user, user === '' || /^[\w][\w.@-]*$/.test(user), 'expected an account name');
  check(
    'BUILDCACHE_SSH_PORT',
    String(sshPort),
    Number.isInteger(sshPort) && sshPort > 0 && sshPort < 65_536,
    'expected 1 to 65535',
  );
  const isPath = pathPrefix.startsWith('/') && !/\p{Cc}/u.test(pathPrefix) && !pathPrefix.split('/').includes('..');
  check('BUILDCACHE_PATH_PREFIX', pathPrefix, isPath, "expected an absolute path without '..' and control characters");
};

const sshSettingsOf = (options: RemoteStoreOptions): SshSettings => ({
  host: options.server,
  port: options.sshPort,
  user: options.user,
  sshKey: options.sshKey,
  agentSocket: options.agentSocket,
  knownHosts: options.knownHosts ? [options.knownHosts] : [inSshFolder('known_hosts'), '/etc/ssh/ssh_known_hosts'],
});

/** An address with colons needs brackets in a URL. */
const defaultUrl = (server: string): string => `https://${server.includes(':') ? `[${server}]` : server}`;

/**
 * The artifact cache on a server: files go up by rsync over ssh, names are changed by SFTP, and reading is plain HTTPS.
 *
 * Throws `CACHE_SETTING_INVALID`; connects when first used.
 */
export const createRemoteStore = (options: RemoteStoreOptions): CacheStore => {
  checkSettings(options);
  const { server, user, log = silentLog, patience = PATIENCE, signal, runner, tempFolder } = options;
  const prefix = options.pathPrefix.replace(/\/+$/, '');
  const location = `${server}:${prefix}`;
  const ssh = sshSettingsOf(options);
  const reader = createHttpsReader({
    url: options.url || defaultUrl(server),
    caFile: options.caFile,
    log,
    signal,
    patience,
  });
  const link = createSftpLink(ssh, { patience, log, signal });
  const fs = createSftpFs(link.withSftp, { host: server, location, prefix });

  const needsAccount = (): void =>
    check('BUILDCACHE_USER', user, user !== '', 'writing to the cache server needs an account on it');
  return {
    location,
    size: (path) => reader.size(validatePath(path)),
    list: async (folder) => {
      validateFolder(folder);
      if (user === '' || !isLoginConfigured(ssh)) return reader.list(folder);
      const entries = (await fs.list(folder)) ?? [];
      return entries
        .map((entry) => entry.name)
        .filter((name) => folder !== '' || name !== STAGING)
        .sort();
    },
    readText: (path) => reader.readText(validatePath(path)),
    download: (path, toFile, transfer) => reader.download(validatePath(path), toFile, transfer),
    publish: async (uploads, transfer = {}) => {
      needsAccount();
      if (uploads.length === 0) return;
      await publishRemotely(
        { fs, ssh, prefix, location, runner, tempFolder, patience, log, signal },
        uploads,
        transfer,
      );
    },
    remove: async (path) => {
      needsAccount();
      await removeFromCache(fs, validatePath(path));
    },
    close: async () => {
      reader.close();
      link.close();
    },
  };
};
