import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill } from '../config/index.ts';
import { SlipwayError } from '../errors/index.ts';
import { inParallel } from '../process/index.ts';
import type { StepContext } from './context.ts';
import type { BuildFacts } from './facts.ts';
import { visibleNames } from './workspace.ts';

/** Lists the binary packages of the store; the tree's build writes and reads it, the step moves what it names. */
const INDEX = 'index.json';

/** Small files over a network: a few at a time hide the round trips. */
const AT_ONCE = 4;

interface IndexEntry {
  /** Name of the file in the store's folder. */
  readonly file: string;
}

const isAbsent = (error: unknown): boolean => error instanceof SlipwayError && error.code === 'CACHE_ARTIFACT_MISSING';

/** Only a missing or unreachable store is a reason to build everything anew; one that does not verify stops the step. */
const isHarmless = (error: unknown): boolean => error instanceof SlipwayError && error.kind === 'failure';

/**
 * Fetches the binary packages of earlier builds into the tree, so that unchanged recipes need not be built. A store that is not there or not
 * reachable only costs time.
 */
export const fetchPackageStore = async (context: StepContext, facts: BuildFacts): Promise<void> => {
  const { tree, cache, workspace, log, plan, inputs } = context;
  const { store } = tree.packages;
  if (!store || plan) return;
  const cacheFolder = fill(store.cacheFolder, facts);
  const folder = workspace.resolve(store.treeFolder);
  await log.phase('fetch the binary packages of earlier builds', async () => {
    try {
      const index = await cache.fetch(`${cacheFolder}/${INDEX}`, folder);
      const entries = JSON.parse(await readFile(index.file, 'utf8')) as IndexEntry[];
      const fetched = await inParallel(entries, AT_ONCE, ({ file }) => cache.fetch(`${cacheFolder}/${file}`, folder));
      inputs.push(...[index, ...fetched].map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })));
      const sizeBytes = fetched.reduce((sum, one) => sum + one.sizeBytes, 0);
      const reason = `${entries.length} of earlier builds are at hand`;
      log.emit({ kind: 'cache-hit', what: 'binary packages', path: cacheFolder, reason, sizeBytes });
    } catch (error) {
      if (!isHarmless(error)) throw error;
      const reason = isAbsent(error) ? 'there are none yet' : (error as Error).message;
      log.emit({ kind: 'cache-miss', what: 'binary packages', path: cacheFolder, reason });
      if (!isAbsent(error)) log.warn(`Everything is built anew: ${reason}`);
    }
  });
};

/**
 * Publishes the binary packages of this build, the index last; those of a build that failed half-way too. Trouble is only noted: it must not
 * hide why the build failed, and costs the next build no more than time.
 */
export const publishPackageStore = async (context: StepContext, facts: BuildFacts): Promise<void> => {
  const { tree, cache, workspace, log, signal, outputs } = context;
  const { store } = tree.packages;
  if (!store) return;
  const folder = workspace.resolve(store.treeFolder);
  const names = (await visibleNames(folder)).filter((name) => !/\.(sig|asc|DIGESTS)$/.test(name));
  if (!names.includes(INDEX)) return;
  const files = names.map((name) => join(folder, name));
  try {
    // The index grows with every build; nobody is promised that it stays.
    const records = await log.phase('publish the binary packages', () =>
      cache.publish({ folder: fill(store.cacheFolder, facts), files, last: [INDEX], replace: true }),
    );
    outputs.push(...records);
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn(`The binary packages could not be published: ${error instanceof Error ? error.message : String(error)}`);
  }
};
