import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type LoadedSettings, loadSettings } from '../../lib/config/index.ts';
import { type CommandLine, configFiles, type StepIo } from '../../lib/step/index.ts';

/** A file or folder of this machine's nightlies, whatever tree they are of. @param path below the folder of the tree */
export const ofNightlies = async (cacheDir: string, path: string): Promise<readonly string[]> => {
  const folder = join(cacheDir, 'nightly');
  const trees: string[] = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const tree of trees.sort((a, b) => (a < b ? -1 : 1))) {
    const names: string[] = await readdir(join(folder, tree, path, '..')).catch(() => []);
    if (names.includes(path.slice(path.lastIndexOf('/') + 1))) found.push(join(folder, tree, path));
  }
  return found;
};

/** The settings of this call of a command. @param request.settings those that were given as flags, by name */
export const loadRequested = (
  io: StepIo,
  { settings, line }: { readonly settings: Readonly<Record<string, string | undefined>>; readonly line: CommandLine },
): Promise<LoadedSettings> => loadSettings({ flags: settings, env: io.env, files: configFiles(io, line), cwd: io.cwd });

/** Settings of a command that only reads; an empty text means that it is not to be set. */
export interface ReadingSettings {
  readonly TRUSTED_KEYS: string;
  readonly SIGNER: string;
  readonly SIGNING_KEY: string;
}

/**
 * The keys to read with: those that the settings name; for the local cache of this machine's nightlies the keys that these are signed with. Nobody
 * signs anything.
 */
export const readingSettings = async ({ values }: LoadedSettings): Promise<ReadingSettings> => {
  const { BUILDCACHE_SERVER, TRUSTED_KEYS, SIGNER, SLIPWAY_CACHE_DIR, BUILDCACHE_DIR } = values;
  // Another folder may be anybody's.
  const isOwn =
    BUILDCACHE_SERVER === '' &&
    TRUSTED_KEYS === '' &&
    SIGNER === '' &&
    BUILDCACHE_DIR.startsWith(`${SLIPWAY_CACHE_DIR}/`);
  const [own] = isOwn ? await ofNightlies(SLIPWAY_CACHE_DIR, 'keys/trusted-keys.asc') : [];
  return { TRUSTED_KEYS: own ?? TRUSTED_KEYS, SIGNER: '', SIGNING_KEY: '' };
};
