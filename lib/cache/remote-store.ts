import { isSlipwayError, slipwayError } from '../errors/index.ts';
import { type Log, silentLog } from '../log/index.ts';
import type { Runner } from '../process/index.ts';
import type { FsEntry } from './cache-fs.ts';
import { createHttpsReader } from './https/reader.ts';
import { joinPath, STAGING, validateFolder, validatePath } from './paths.ts';
import { checkRange, SMALL_BYTES } from './reading.ts';
import { publishRemotely } from './remote-publish.ts';
import { isLoginConfigured } from './ssh/login.ts';
import { resolveSshSettings, type SshSettings } from './ssh/settings.ts';
import { createSftpFs } from './ssh/sftp-fs.ts';
import { createSftpLink } from './ssh/sftp-link.ts';
import { removeFromCache, sweepStaging } from './staging.ts';
import { listEntries, renameInCache } from './store-names.ts';
import { PATIENCE, type Patience } from './try-again.ts';
import type { CachePath, CacheStore } from './types.ts';

/** What a remote store needs. */
export interface RemoteStoreOptions {
  /** Host name or address; for ssh maybe an alias of its configuration. */
  readonly server: string;
  /** Account on the server; empty: no ssh, the cache can only be read. */
  readonly user: string;
  /** Folder on the server that holds the cache. */
  readonly pathPrefix: string;
  /** Undefined: as ssh is configured, else 22. */
  readonly sshPort?: number;
  /** Absolute path of a private key; undefined: ssh agent, then the keys that ssh is configured to use. */
  readonly sshKey?: string;
  /** Socket of the ssh agent. */
  readonly agentSocket?: string;
  /** Absolute path; undefined: those that ssh is configured to use. */
  readonly knownHosts?: string;
  /** Where the cache is read; undefined: `https://SERVER`. */
  readonly url?: string;
  /** Absolute path of a PEM file with more authorities to trust; undefined: the usual ones. */
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
    sshPort === undefined || (Number.isInteger(sshPort) && sshPort > 0 && sshPort < 65_536),
    'expected 1 to 65535',
  );
  const isPath = pathPrefix.startsWith('/') && !/\p{Cc}/u.test(pathPrefix) && !pathPrefix.split('/').includes('..');
  check('BUILDCACHE_PATH_PREFIX', pathPrefix, isPath, "expected an absolute path without '..' and control characters");
};

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
  let resolving: Promise<SshSettings> | undefined;
  /** Asked once, and only when ssh is used. */
  const ssh = (): Promise<SshSettings> => {
    const { sshPort: port, sshKey, agentSocket, knownHosts } = options;
    resolving ??= resolveSshSettings(runner, { host: server, port, user, sshKey, agentSocket, knownHosts });
    return resolving;
  };
  const mayLogIn = async (): Promise<boolean> => {
    if (user === '') return false;
    try {
      return isLoginConfigured(await ssh());
    } catch (error) {
      // For reading the web server will do.
      if (isSlipwayError(error, 'COMMAND_NOT_FOUND')) return false;
      throw error;
    }
  };
  const reader = createHttpsReader({
    url: options.url || defaultUrl(server),
    caFile: options.caFile,
    log,
    signal,
    patience,
  });
  const link = createSftpLink({ host: server, settings: ssh, runner, patience, log, signal });
  const fs = createSftpFs(link.withSftp, { host: server, location, prefix });

  /** A link to a folder is one too. */
  const foldersAmong = async (entries: readonly FsEntry[], folder: CachePath): Promise<FsEntry[]> => {
    const isFolder = async ({ kind, name }: FsEntry): Promise<boolean> =>
      kind === 'other' ? (await fs.stat(joinPath(folder, name)))?.kind === 'folder' : kind === 'folder';
    const answers = await Promise.all(entries.map(isFolder));
    return entries.filter((_, at) => answers[at]);
  };

  const needsAccount = (doing = 'writing to'): void =>
    check('BUILDCACHE_USER', user, user !== '', `${doing} the cache server needs an account on it`);
  return {
    location,
    size: (path) => reader.size(validatePath(path)),
    list: async (folder, { onlyFolders = false } = {}) => {
      validateFolder(folder);
      if (!(await mayLogIn())) return reader.list(folder, onlyFolders);
      const entries = (await fs.list(folder)) ?? [];
      const wanted = onlyFolders ? await foldersAmong(entries, folder) : entries;
      return wanted
        .map((entry) => entry.name)
        .filter((name) => folder !== '' || name !== STAGING)
        .sort();
    },
    entries: async (folder) => {
      needsAccount('asking for sizes and times of all files of a folder of');
      return listEntries(fs, folder);
    },
    readText: (path) => reader.readText(validatePath(path)),
    readBytes: (path, maxBytes = SMALL_BYTES) => reader.readBytes(validatePath(path), maxBytes),
    readRange: async (path, offset, length) => {
      checkRange(validatePath(path), offset, length);
      return reader.readRange(path, offset, length);
    },
    rangedSize: (path) => reader.rangedSize(validatePath(path)),
    download: (path, toFile, transfer) => reader.download(validatePath(path), toFile, transfer),
    publish: async (uploads, transfer = {}) => {
      needsAccount();
      if (uploads.length === 0) {
        await sweepStaging(fs);
        return;
      }
      await publishRemotely(
        { fs, host: server, ssh: await ssh(), prefix, location, runner, tempFolder, patience, log, signal },
        uploads,
        transfer,
      );
    },
    rename: async (from, to) => {
      needsAccount();
      return renameInCache(fs, location, from, to);
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
