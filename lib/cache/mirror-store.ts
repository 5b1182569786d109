import { slipwayError } from '../errors/index.ts';
import { type Log, silentLog } from '../log/index.ts';
import { createHttpsReader } from './https/reader.ts';
import { validateFolder, validatePath } from './paths.ts';
import { checkRange, SMALL_BYTES } from './reading.ts';
import { PATIENCE, type Patience } from './try-again.ts';
import type { CacheStore } from './types.ts';

/** What a mirror needs. */
export interface MirrorStoreOptions {
  /** Where the cache's folders begin, for example `https://mirror.example`. */
  readonly url: string;
  /** Absolute path of a PEM file with more authorities to trust; empty or undefined: none. */
  readonly caFile?: string;
  readonly log?: Log;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

const SETTING = 'BUILDCACHE_MIRROR_URL';

/** Less than for the cache itself: it is the second choice, and whoever waits for it has been told no once. */
const MIRROR_PATIENCE: Patience = { ...PATIENCE, tries: 3 };

/**
 * A copy of an artifact cache that can only be read, by HTTPS.
 *
 * Throws `CACHE_SETTING_INVALID` for a URL that cannot be one, and when something is to be written; connects when first used.
 */
export const createMirrorStore = ({ log = silentLog, ...options }: MirrorStoreOptions): CacheStore => {
  const { url } = options;
  const caFile = options.caFile || undefined;
  const reader = createHttpsReader({ patience: MIRROR_PATIENCE, ...options, caFile, log, setting: SETTING });
  const refuse = async (): Promise<never> => {
    throw slipwayError('CACHE_SETTING_INVALID', { setting: SETTING, value: url, reason: 'a mirror is only read' });
  };
  return {
    location: url,
    size: (path) => reader.size(validatePath(path)),
    list: (folder) => reader.list(validateFolder(folder)),
    entries: refuse,
    readText: (path) => reader.readText(validatePath(path)),
    readBytes: (path, maxBytes = SMALL_BYTES) => reader.readBytes(validatePath(path), maxBytes),
    readRange: async (path, offset, length) => {
      checkRange(validatePath(path), offset, length);
      return reader.readRange(path, offset, length);
    },
    rangedSize: (path) => reader.rangedSize(validatePath(path)),
    download: (path, toFile, transfer) => reader.download(validatePath(path), toFile, transfer),
    publish: refuse,
    rename: refuse,
    remove: refuse,
    close: async () => reader.close(),
  };
};
