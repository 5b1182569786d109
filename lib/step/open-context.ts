import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  type ArtifactCache,
  createArtifactCache,
  createFallbackStore,
  createMirrorStore,
  createStore,
} from '../cache/index.ts';
import type { Settings } from '../config/index.ts';
import {
  createContainerCache,
  createEngine,
  createPlanningContainerCache,
  type Engine,
  type FoundEngine,
  type ImageTraffic,
  openEngineSocket,
  publishedPaths,
  requireEngine,
} from '../container/index.ts';
import { createGit } from '../git/index.ts';
import type { Log } from '../log/index.ts';
import {
  type Cleanup,
  createCleanup,
  createPlanningRunner,
  createRunner,
  type Runner,
  waitForAll,
} from '../process/index.ts';
import { isOwnerDead, makeOwnName } from '../process/process-identity.ts';
import { createEmptyRing, openSigner, openVerifier, type Signer, type Verifier } from '../signing/index.ts';
import type { TreeDescription } from '../tree/index.ts';
import type { CommandLine } from './arguments.ts';
import { cacheLayout, mirrorUrl, openChunkStore, storeSettings } from './cache-settings.ts';
import type { StepContext } from './context.ts';
import { requireDiskSpace } from './disk.ts';
import { environmentEvent } from './environment.ts';
import type { Interruption } from './interrupt.ts';
import type { StepIo } from './main.ts';
import { createPlanningCache } from './planning-cache.ts';
import { notePublishing, type Provenance, rememberImages } from './provenance.ts';
import { RESULT_FOLDER } from './result.ts';
import { createPlanningWorkspace, createWorkspace } from './workspace.ts';

/** What a context is made from. */
interface Opening {
  readonly step: string;
  readonly io: StepIo;
  readonly line: CommandLine;
  readonly settings: Settings;
  readonly tree: TreeDescription;
  readonly log: Log;
  readonly interruption: Interruption;
  readonly cleanup: Cleanup;
  readonly usesEngine: boolean;
}

/** A context, and what only the runner of the step needs. */
export interface OpenedContext {
  readonly context: StepContext;
  readonly log: Log;
  readonly provenance: Provenance;
  /** The commit that is checked out now; undefined when git cannot say. */
  commit(): Promise<string | undefined>;
}

const GIB = 1024 ** 3;

/** As Flatcar's readers expect container images in the cache; zstd reads the gzip of older ones too. */
const CONTAINER_FORMAT = {
  extension: 'tar.zst',
  compress: ['zstd', '-T0', '-q', '-c'],
  decompress: ['zstd', '-d', '-q', '-c'],
} as const;

/** The entry points of a tree find the pinned node and zx on the PATH. */
const toolPath = ({ io }: Opening): string =>
  [join(io.slipwayRoot, 'node_modules', '.bin'), join(io.slipwayRoot, 'node_modules', 'node', 'bin'), io.env.PATH ?? '']
    .filter((part) => part !== '')
    .join(delimiter);

/**
 * SIGNER for programs. The SDK's entry points write it into a shell script without quoting, so what has a meaning for a shell there is
 * replaced by the key's fingerprint, which names the same key.
 */
const signerName = ({ signer, fingerprint }: Signer): string => (/["$`\\\n]/.test(signer) ? fingerprint : signer);

/** The key ring for signing; without keys an empty one, because the SDK's entry points would hand the user's own to the container. */
const openRing = async ({ io, settings, line, cleanup }: Opening, query: Runner) => {
  // A key ring's path must be short: gpg-agent's sockets are in it.
  const [parent, tree] = [tmpdir(), io.cwd];
  const { SIGNER, SIGNING_KEY } = settings;
  if (line.plan) return { signer: undefined, keyEnv: { GNUPGHOME: undefined } };
  const signer = await openSigner({ signer: SIGNER, signingKey: SIGNING_KEY, runner: query, parent, tree });
  const { home, close } = signer ?? (await createEmptyRing(parent, tree));
  cleanup.add('the key ring', close);
  return { signer, keyEnv: { GNUPGHOME: home, SIGNER: signer ? signerName(signer) : '', SIGNING_KEY: '' } };
};

const openKeys = async (opening: Opening, query: Runner) => {
  const { settings, cleanup, log } = opening;
  const { signer, keyEnv } = await openRing(opening, query);
  let verifier: Verifier | undefined;
  const { TRUSTED_KEYS } = settings;
  if (TRUSTED_KEYS !== '') {
    const opened = await openVerifier({ trustedKeys: TRUSTED_KEYS, runner: query, parent: tmpdir() });
    cleanup.add('the key ring of trusted keys', async () => opened?.close());
    verifier = opened;
  } else log.info('TRUSTED_KEYS is not set: artifacts are checked by digest only.');
  return { signer, verifier, keyEnv };
};

/** Folders that a step fills: the tree, the engine's store, and the cache when it is a folder here. */
const filledFolders = ({ io, settings }: Opening, engine: FoundEngine | undefined) => [
  { folder: io.cwd, purpose: 'the build' },
  ...(settings.BUILDCACHE_SERVER === '' ? [{ folder: settings.BUILDCACHE_DIR, purpose: 'the artifact cache' }] : []),
  ...(engine?.info.imageFolder ? [{ folder: engine.info.imageFolder, purpose: 'container images' }] : []),
];

/** Finds the engine, and checks that there is room for what the step writes. */
const findEngineAndRoom = async (opening: Opening, query: Runner): Promise<FoundEngine | undefined> => {
  const { io, settings, tree, step, usesEngine, log } = opening;
  const env = { ...io.env, docker: settings.docker };
  let found: FoundEngine | undefined;
  try {
    if (usesEngine) found = await requireEngine({ env, query });
  } finally {
    log.emit(environmentEvent(io.slipwayVersion, found));
  }
  await requireDiskSpace(filledFolders(opening, found), (tree.diskGiB[step] ?? 0) * GIB);
  return found;
};

/** Stands for the engine in a step that said it uses none. */
const absentEngine = (step: string): Engine =>
  new Proxy({} as Engine, {
    get() {
      throw new Error(`${step} does not say that it uses the container engine`);
    },
  });

/** The second place to read, if there is one. */
const openMirror = (opening: Opening, verifier: Verifier | undefined): ArtifactCache | undefined => {
  const { settings, tree, log, interruption, cleanup } = opening;
  const { signal } = interruption;
  const url = mirrorUrl(settings, tree);
  if (url === undefined) return undefined;
  const store = createMirrorStore({ url, caFile: settings.BUILDCACHE_CA_FILE, log, signal });
  cleanup.add('the connection to the mirror', () => store.close());
  return createArtifactCache({ store, verifier, log, signal });
};

const TEMP_PREFIX = 'tmp-';

/** A step that was killed leaves what may be a few gigabytes; the next one removes them. */
const sweepTemp = async (parent: string): Promise<void> => {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(TEMP_PREFIX) || !isOwnerDead(name.slice(TEMP_PREFIX.length))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
};

/** In the tree, where the disk was checked and big files belong; with `--plan` elsewhere, because the tree is not to be touched. */
const makeTemp = async ({ io, line, cleanup }: Opening): Promise<string> => {
  const parent = line.plan ? tmpdir() : join(io.cwd, RESULT_FOLDER);
  await mkdir(parent, { recursive: true });
  if (!line.plan) await sweepTemp(parent);
  const temp = join(parent, `${TEMP_PREFIX}${makeOwnName()}`);
  await mkdir(temp);
  cleanup.add(temp, () => rm(temp, { recursive: true, force: true }));
  return temp;
};

/**
 * Opens everything that a step works with, and checks what can be checked before it starts: engine, keys, disk.
 * What it opens is registered for cleanup at once.
 */
export const openContext = async (opening: Opening): Promise<OpenedContext> => {
  const { step, io, line, settings, tree, log, interruption, cleanup } = opening;
  const { signal } = interruption;
  const root = io.cwd;
  // What run-step.sh sets for this process is nothing for others.
  const base = { ...io.env, PATH: toolPath(opening), GNUPGHOME: undefined, MALLOC_MMAP_THRESHOLD_: undefined };
  // Questions are asked silently: what a reader of the log wants to know is what was done.
  const ask = createRunner({ cwd: root, env: base, signal });
  // The two have nothing to do with each other, and both wait for other programs.
  const [found, { signer, verifier, keyEnv }] = await waitForAll([
    findEngineAndRoom(opening, ask),
    openKeys(opening, ask),
  ]);
  const env = { ...base, ...found?.env, ...keyEnv };
  const real = createRunner({ log, cwd: root, env, signal });
  const query = createRunner({ cwd: root, env, signal });
  // Frees and takes back after an interrupt, so it must still run then.
  const rescue = createRunner({ log, cwd: root, env });
  const rescueQuery = createRunner({ cwd: root, env });
  const effects = line.plan ? createPlanningRunner(log) : real;
  const store = createStore(storeSettings(settings), { log, runner: query, signal, agentSocket: io.env.SSH_AUTH_SOCK });
  cleanup.add('the connection to the cache', () => store.close());
  const temp = await makeTemp(opening);

  const realCache = createArtifactCache({ store, signer, verifier, log, signal });
  const mirror = openMirror(opening, verifier);
  const socket = line.plan ? undefined : openEngineSocket(found, { env, cwd: root, log, signal });
  const engine = found ? createEngine({ ...found, query, effects, socket }) : absentEngine(step);
  const reading = mirror ? createFallbackStore({ store, mirror: mirror.store, log }) : store;
  // What is published already is for the cache itself to say; what is only used may be the mirror's.
  const consuming = createArtifactCache({ store: reading, verifier, log, signal });
  const cache = line.plan ? createPlanningCache(realCache, log) : realCache;
  const withMirror = line.plan ? cache : { ...cache, fetch: consuming.fetch };
  const { extension } = CONTAINER_FORMAT;
  const layout = cacheLayout(settings, tree);
  const traffic: ImageTraffic[] = [];
  const containers = line.plan
    ? createPlanningContainerCache({ engine, cache: realCache, mirror, log, extension, layout })
    : createContainerCache({
        engine,
        cache,
        mirror,
        log,
        signal,
        effects: real,
        workFolder: temp,
        format: CONTAINER_FORMAT,
        layout,
        chunkStore: openChunkStore(settings, log),
        onTraffic: (one) => traffic.push(one),
      });
  const git = createGit({ query, effects, cwd: root });
  const provenance: Provenance = { signer, images: [], hasPublished: false };
  const context: StepContext = {
    step,
    log,
    settings,
    tree,
    root,
    workspace: line.plan ? createPlanningWorkspace(root, log) : createWorkspace(root),
    query,
    effects,
    git,
    undo: createGit({ query: rescueQuery, effects: line.plan ? effects : rescue, cwd: root }),
    rescueEngine: found ? createEngine({ ...found, query: rescueQuery, effects: rescue }) : absentEngine(step),
    engine,
    cache: notePublishing(withMirror, provenance),
    reading,
    containers: rememberImages(notePublishing(containers, provenance), provenance.images),
    verifier,
    imagePaths: (image) => publishedPaths(image, extension, layout),
    registry: settings.CONTAINER_REGISTRY || tree.registry,
    plan: line.plan,
    json: line.json,
    print: io.stdout,
    signal,
    now: io.now,
    flags: line.flags,
    temp,
    cleanup,
    onInterrupt: createCleanup(log),
    inputs: [],
    outputs: [],
    published: [],
    made: [],
    traffic,
  };
  const commit = (): Promise<string | undefined> => context.undo.commitOf('HEAD').catch(() => undefined);
  return { context, log, provenance, commit };
};
