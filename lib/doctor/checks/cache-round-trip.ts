import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient } from '../../cache/https/client.ts';
import { type ArtifactCache, type CacheStore, createArtifactCache } from '../../cache/index.ts';
import { isSlipwayError } from '../../errors/index.ts';
import { formatBytes, formatDuration } from '../../log/index.ts';
import { makeOwnName } from '../../process/process-identity.ts';
import { openSigner, openVerifier, type Signer, type Verifier } from '../../signing/index.ts';
import { combine, failed, ok, skipped, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';
import { openCheckedStore } from './cache-server.ts';

const SIZE_BYTES = 64 * 1024;
const FILE = 'probe.bin';
const FOLDER_PREFIX = 'doctor-';
/** What a doctor left that was killed is removed by a later one. */
const LEFTOVER_MS = 60 * 60 * 1000;
const IDLE_MS = 8_000;

interface Keys {
  readonly signer: Signer | undefined;
  readonly verifier: Verifier | undefined;
  readonly words: string;
}

/** As a step has them; keys that cannot be used are the matter of their own checks. */
const openKeys = async ({ settings, runner, cwd }: CheckContext): Promise<Keys> => {
  const [parent, tree] = [tmpdir(), join(cwd, 'doctor-round-trip')];
  const signer = await openSigner({
    signer: settings?.SIGNER,
    signingKey: settings?.SIGNING_KEY,
    runner,
    parent,
    tree,
  }).catch(() => undefined);
  if (!signer) return { signer, verifier: undefined, words: 'digests' };
  const verifier = await openVerifier({ trustedKeys: settings?.TRUSTED_KEYS, runner, parent }).catch(() => undefined);
  return { signer, verifier, words: verifier ? 'digests and signature' : 'digests' };
};

/** The probe and its folders; one of them is in the cache. */
interface Probe {
  readonly content: Buffer;
  /** In the cache. */
  readonly folder: string;
  /** Absolute path here. */
  readonly file: string;
  /** Absolute path of a folder to fetch into. */
  readonly fetched: string;
}

const makeProbe = async (context: CheckContext): Promise<Probe> => {
  const temp = await context.makeTemp();
  const fetched = join(temp, 'fetched');
  await mkdir(fetched);
  const content = randomBytes(SIZE_BYTES);
  const file = join(temp, FILE);
  await writeFile(file, content);
  return { content, folder: `${FOLDER_PREFIX}${makeOwnName()}`, file, fetched };
};

/** Probes of doctors that were killed, by the clock of the server, which wrote both times. */
const sweep = async (store: CacheStore): Promise<void> => {
  const entries = await store.entries('');
  const newest = Math.max(...entries.map(({ modifiedMs }) => modifiedMs), 0);
  const isLeft = (name: string, modifiedMs: number): boolean =>
    name.startsWith(FOLDER_PREFIX) && newest - modifiedMs > LEFTOVER_MS;
  for (const { name, modifiedMs } of entries) if (isLeft(name, modifiedMs)) await store.remove(name);
};

/** Whether a range is answered with that range. The store copes with servers that ignore it; transfers then cost many times as much. */
const rangeFinding = async ({ store, signal }: CheckContext, probe: Probe): Promise<Finding> => {
  if (!store?.server) return ok('a folder gives out parts of files');
  const client = createHttpClient({ caFile: store.caFile || undefined, idleMs: IDLE_MS, signal });
  try {
    const url = `${store.url?.replace(/\/+$/, '')}/${probe.folder}/${FILE}`;
    const response = await client.send({ method: 'GET', url, headers: { range: 'bytes=100-299' } });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const isRight = response.statusCode === 206 && Buffer.concat(chunks).equals(probe.content.subarray(100, 300));
    if (isRight) return ok('range requests are honoured');
    return warning(
      'the web server ignores range requests: a broken download starts anew, and a part of a container image costs the whole pack',
      'Use a web server that serves ranges of static files (nginx, caddy, Apache do), and no proxy before it that strips the header Range.',
    );
  } finally {
    client.close();
  }
};

const writeFault = (error: unknown, location: string): Finding | undefined => {
  const codes = ['CACHE_WRITE_FAILED', 'CACHE_UPLOAD_FAILED', 'CACHE_SERVER_UNSUITABLE', 'CACHE_DISK_FULL'] as const;
  if (!codes.some((code) => isSlipwayError(error, code))) return undefined;
  const { message, hint } = error as { message: string; hint?: string };
  return failed(`nothing can be published to ${location}: ${message}`, hint);
};

const notServed = ({ store, settings }: CheckContext): Finding =>
  failed(
    `what was published below ${store?.pathPrefix} is not to be had from ${settings?.BUILDCACHE_URL}`,
    'Let the web server serve that very folder (docs/cache-server.md), or correct BUILDCACHE_URL or BUILDCACHE_PATH_PREFIX.',
  );

/** Publishes, reads back, compares and reads a part. */
const travel = async (context: CheckContext, cache: ArtifactCache, probe: Probe, words: string): Promise<Finding> => {
  const { doing } = context;
  const { location } = cache.store;
  const startedMs = performance.now();
  try {
    doing(`publishing a probe to ${location}`);
    await cache.publish({ folder: probe.folder, files: [probe.file] });
  } catch (error) {
    const fault = context.signal.aborted ? undefined : writeFault(error, location);
    if (fault) return fault;
    throw error;
  }
  try {
    doing('reading the probe back');
    await cache.fetch(`${probe.folder}/${FILE}`, probe.fetched);
  } catch (error) {
    if (isSlipwayError(error, 'CACHE_ARTIFACT_MISSING')) return notServed(context);
    throw error;
  }
  const tookMs = performance.now() - startedMs;
  doing('reading a part of the probe');
  const ranges = await rangeFinding(context, probe);
  return combine([
    ok(
      `${formatBytes(SIZE_BYTES)} published to ${location} and read back in ${formatDuration(tookMs)}, ${words} verified`,
    ),
    ranges,
  ]);
};

const removeProbe = async (context: CheckContext, store: CacheStore, probe: Probe): Promise<Finding> => {
  context.doing('deleting the probe');
  await store.remove(probe.folder);
  const left = (await store.entries('')).some(({ name }) => name === probe.folder);
  return left
    ? failed(
        `the probe ${probe.folder} could not be deleted`,
        `Delete it by hand, and give the account the right to delete: garbage is collected with it.`,
      )
    : ok('the probe is deleted again');
};

const roundTrip = async (context: CheckContext, store: CacheStore): Promise<Finding> => {
  const { signer, verifier, words } = await openKeys(context);
  try {
    const probe = await makeProbe(context);
    const cache = createArtifactCache({ store, signer, verifier, signal: context.signal, secondTryMs: 100 });
    context.doing(`looking into ${store.location}`);
    await sweep(store);
    let trip: Finding | undefined;
    try {
      trip = await travel(context, cache, probe, words);
    } finally {
      // What went wrong before is what counts.
      if (trip === undefined) await store.remove(probe.folder).catch(() => {});
    }
    if (trip.outcome === 'failed') {
      await store.remove(probe.folder).catch(() => {});
      return trip;
    }
    return combine([trip, await removeProbe(context, store, probe)]);
  } finally {
    await signer?.close();
    await verifier?.close();
  }
};

/** Faults that cache-ssh and cache-https tell of in more detail. */
const isToldElsewhere = (error: unknown): boolean =>
  (
    ['CACHE_HOST_KEY', 'CACHE_LOGIN', 'CACHE_UNREACHABLE', 'CACHE_SSH_KEY_INVALID', 'CACHE_TLS_UNTRUSTED'] as const
  ).some((code) => isSlipwayError(error, code));

export const cacheRoundTrip: Check = {
  name: 'cache-round-trip',
  summary: 'a probe is published, read back, verified, read in part and deleted: rights to write and to read',
  usesNetwork: ({ store }) => Boolean(store?.server),
  needsSettings: true,
  limitMs: 30_000,
  async run(context) {
    if (context.readOnly) return skipped('--read-only');
    if (context.store?.server && context.store.user === '')
      return skipped('BUILDCACHE_USER is empty: this machine only reads');
    const store = openCheckedStore(context);
    try {
      return await roundTrip(context, store);
    } catch (error) {
      if (context.signal.aborted || !isToldElsewhere(error)) throw error;
      return failed(
        `no probe could travel: ${(error as Error).message}`,
        "See the checks 'cache-ssh' and 'cache-https'.",
      );
    } finally {
      await store.close();
    }
  },
};
