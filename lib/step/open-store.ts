import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CacheStore, createStore, type StoreSettings } from '../cache/index.ts';
import type { Settings } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { createCleanup, createRunner } from '../process/index.ts';
import { openSigner, openVerifier, type Signer, type Verifier } from '../signing/index.ts';
import { storeSettings } from './cache-settings.ts';
import { type Interruption, watchSignals } from './interrupt.ts';
import type { StepIo } from './main.ts';

/** The cache that the settings name, for a command that is no step. */
export interface OpenedStore {
  readonly store: CacheStore;
  /** Absolute path of the cache when it is a folder of this machine. */
  readonly localDir: string | undefined;
  /** Absolute path of an own, empty folder. */
  readonly temp: string;
  /** Undefined without TRUSTED_KEYS. */
  readonly verifier: Verifier | undefined;
  readonly log: Log;
  readonly settings: Settings;
  readonly interruption: Interruption;
  /** What SIGNER and SIGNING_KEY say, closed with this; undefined: they say nothing. */
  openSigner(): Promise<Signer | undefined>;
  /** Another store than that of the settings, closed with this one. */
  openOther(settings: StoreSettings): CacheStore;
  close(): Promise<void>;
}

/** Opens the store. Everything is freed by `close`. */
export const openStore = async (io: StepIo, settings: Settings, log: Log): Promise<OpenedStore> => {
  const cleanup = createCleanup(log);
  const interruption = watchSignals(io.onSignal);
  const { signal } = interruption;
  cleanup.add('the signals', async () => interruption.close());
  try {
    const temp = await mkdtemp(join(tmpdir(), 'slipway-cache-'));
    cleanup.add(temp, () => rm(temp, { recursive: true, force: true }));
    const runner = createRunner({ cwd: io.cwd, env: { ...io.env, GNUPGHOME: undefined }, signal });
    const openOther = (wanted: StoreSettings): CacheStore => {
      const other = createStore(wanted, { log, runner, signal, agentSocket: io.env.SSH_AUTH_SOCK });
      cleanup.add('the connection to the cache', () => other.close());
      return other;
    };
    const store = openOther(storeSettings(settings));
    const verifier = await openVerifier({ trustedKeys: settings.TRUSTED_KEYS, runner, parent: tmpdir() });
    if (verifier) cleanup.add('the key ring of trusted keys', () => verifier.close());
    const openOwnSigner = async (): Promise<Signer | undefined> => {
      const { SIGNER, SIGNING_KEY } = settings;
      const [parent, tree] = [tmpdir(), io.cwd];
      const signer = await openSigner({ signer: SIGNER, signingKey: SIGNING_KEY, runner, parent, tree });
      if (signer) cleanup.add('the key ring', () => signer.close());
      return signer;
    };
    const localDir = settings.BUILDCACHE_SERVER === '' ? settings.BUILDCACHE_DIR : undefined;
    return {
      ...{ store, localDir, temp, verifier, log, settings, interruption },
      ...{ openOther, openSigner: openOwnSigner, close: () => cleanup.runAll() },
    };
  } catch (error) {
    await cleanup.runAll();
    throw error;
  }
};
