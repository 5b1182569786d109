import { tmpdir } from 'node:os';
import type { Log } from '../log/index.ts';
import type { Runner } from '../process/index.ts';
import { createLocalStore } from './local-store.ts';
import { createRemoteStore } from './remote-store.ts';
import type { Patience } from './try-again.ts';
import type { CacheStore } from './types.ts';

/** Settings of the cache as plain values; an empty text counts as not set. */
export interface StoreSettings {
  /** Host name; not set: the cache is the folder `dir`. */
  readonly server?: string;
  readonly user: string;
  readonly pathPrefix: string;
  readonly sshPort?: number | undefined;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  readonly url?: string;
  readonly caFile?: string;
  /** Absolute path of the local cache. */
  readonly dir: string;
}

/** What a store works with. */
export interface StoreParts {
  /** Really runs commands. */
  readonly runner: Runner;
  readonly log?: Log;
  /** Aborting ends transfers. */
  readonly signal?: AbortSignal;
  /** `SSH_AUTH_SOCK`, if there is one. */
  readonly agentSocket?: string;
  /** Absolute path; default: the system's folder for temporary files. */
  readonly tempFolder?: string;
  readonly patience?: Patience;
}

/**
 * Makes the store that the settings ask for: the server's when one is named, else the local folder. Nothing is connected or
 * created yet.
 *
 * Throws `CACHE_SETTING_INVALID`.
 */
export const createStore = (settings: StoreSettings, parts: StoreParts): CacheStore => {
  const { server, dir, ...remote } = settings;
  if (!server) return createLocalStore({ dir, signal: parts.signal });
  return createRemoteStore({
    ...parts,
    ...remote,
    server,
    sshKey: remote.sshKey || undefined,
    knownHosts: remote.knownHosts || undefined,
    url: remote.url || undefined,
    caFile: remote.caFile || undefined,
    agentSocket: parts.agentSocket || undefined,
    tempFolder: parts.tempFolder ?? tmpdir(),
  });
};
