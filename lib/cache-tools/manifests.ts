import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ImageManifest, parseManifest } from '../dedup/index.ts';
import { slipwayError } from '../errors/index.ts';
import { inParallel } from '../process/in-parallel.ts';
import { DIGESTS_SUFFIX, parseDigests } from '../signing/index.ts';
import type { CacheTools } from './types.ts';

/** An image in the deduplicated store. */
export interface StoredManifest {
  readonly path: string;
  /** `NAME:VERSION` */
  readonly reference: string;
  readonly version: string;
  readonly manifest: ImageManifest;
}

/** A manifest that cannot be read, and why. */
export interface ManifestFault {
  readonly path: string;
  readonly reason: string;
}

/** Of the files that say what an image in the deduplicated store is made of. */
export const MANIFEST_ENDING = '.image.json';
const CONTAINERS = 'containers';

/** Manifest and digests are renamed into place one after the other: a reader in between looks again. */
const TRIES = 3;
const AGAIN_MS = 250;

const read = async ({ store }: CacheTools, version: string, file: string): Promise<StoredManifest | undefined> => {
  const path = `${CONTAINERS}/${version}/${file}`;
  const text = await store.readText(path);
  if (text === undefined) return undefined;
  const digests = await store.readText(`${path}${DIGESTS_SUFFIX}`);
  const expected = digests && parseDigests(digests, file).sha512;
  const found = hash('sha512', text, 'hex');
  if (expected && expected !== found) {
    throw slipwayError('DEDUP_DIGEST_MISMATCH', { what: path, expected, found });
  }
  const name = file.slice(0, -`-${version}${MANIFEST_ENDING}`.length);
  const manifest = parseManifest(text, path, { name, version });
  return { path, reference: `${name}:${version}`, version, manifest };
};

/** Reads one again when it does not verify, as it may be about to be replaced. */
const readOne = async (
  tools: CacheTools,
  version: string,
  file: string,
): Promise<StoredManifest | ManifestFault | undefined> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read(tools, version, file);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (!code?.startsWith('DEDUP_')) throw error;
      if (tries === TRIES) return { path: `${CONTAINERS}/${version}/${file}`, reason: message };
      await sleep(AGAIN_MS, undefined, { signal: tools.signal });
    }
  }
};

/** All images of the deduplicated store, and the manifests that cannot be read. */
export const readManifests = async (
  tools: CacheTools,
): Promise<{ readonly images: StoredManifest[]; readonly faults: ManifestFault[] }> => {
  const versions = await tools.store.list(CONTAINERS, { onlyFolders: true });
  const all = await inParallel(versions, 8, async (version) => {
    const names = (await tools.store.list(`${CONTAINERS}/${version}`)).filter((name) => name.endsWith(MANIFEST_ENDING));
    return inParallel(names, 4, (name) => readOne(tools, version, name));
  });
  const read = all.flat().filter((one) => one !== undefined);
  return {
    images: read.filter((one) => 'manifest' in one),
    faults: read.filter((one): one is ManifestFault => 'reason' in one),
  };
};

/** All images. Throws `CACHE_MANIFESTS_UNREADABLE`. */
export const requireManifests = async (tools: CacheTools): Promise<StoredManifest[]> => {
  const { images, faults } = await readManifests(tools);
  if (faults.length === 0) return images;
  const { location } = tools.store;
  throw slipwayError('CACHE_MANIFESTS_UNREADABLE', { location, faults: faults.map(({ reason }) => reason) });
};
