import { SlipwayError, slipwayError } from '../errors/index.ts';
import { collectBuilds } from './builds.ts';
import { collectCloud } from './cloud.ts';
import {
  type Collected,
  type Collecting,
  failureText,
  type GarbageTools,
  isCacheGone,
  nothingCollected,
} from './collecting.ts';
import { collectOrphans } from './orphans.ts';
import { collectPrSdks } from './pr-sdks.ts';
import { collectReleases } from './releases.ts';
import { COLLECTORS, type Collector, type GarbageRequest } from './request.ts';

interface CollectorPart {
  /** For the log. */
  readonly title: string;
  readonly collect: (collecting: Collecting) => Promise<void>;
  readonly usesCache: boolean;
}

const PARTS: Readonly<Record<Collector, CollectorPart>> = {
  builds: { title: 'Old development builds', collect: collectBuilds, usesCache: true },
  orphans: { title: 'Orphans in the cache', collect: collectOrphans, usesCache: true },
  cloud: { title: 'Test resources at cloud vendors', collect: collectCloud, usesCache: false },
  'pr-sdks': { title: 'SDK images of pull requests', collect: collectPrSdks, usesCache: true },
  releases: { title: 'Old releases', collect: collectReleases, usesCache: true },
};

/** What was collected; with `--plan`: what would be. */
export type GarbageSummary = Readonly<Record<Collector, Pick<Collected, 'deleted' | 'tags'>>>;

const reportFailures = (failures: readonly unknown[]): void => {
  const [first, ...more] = failures;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  throw slipwayError('GARBAGE_LEFT', { failures: failures.map(failureText) });
};

/**
 * Runs the collectors in order. Each decides first, says what it decided, and deletes then. One that fails does not stop the others; its failure
 * is thrown at the end.
 *
 * @throws what a collector failed with, or GARBAGE_LEFT when it was more than one thing
 */
export const collectGarbage = async (request: GarbageRequest, tools: GarbageTools): Promise<GarbageSummary> => {
  const collected = Object.fromEntries(COLLECTORS.map((name) => [name, nothingCollected()])) as Record<
    Collector,
    Collected
  >;
  const collecting: Collecting = { ...tools, request, collected };
  let cacheFailure: unknown;
  for (const name of request.collectors) {
    const { title, collect, usesCache } = PARTS[name];
    if (usesCache && cacheFailure !== undefined) {
      tools.log.warn(`${title}: left out, because the cache cannot be worked with.`);
      continue;
    }
    try {
      await tools.log.phase(title, () => collect(collecting));
    } catch (error) {
      if (tools.signal.aborted || !(error instanceof SlipwayError)) throw error;
      tools.log.warn(failureText(error));
      collected[name].failures.push(error);
      if (isCacheGone(error)) cacheFailure = error;
    }
  }
  reportFailures(COLLECTORS.flatMap((name) => collected[name].failures));
  return Object.fromEntries(
    COLLECTORS.map((name) => [name, { deleted: collected[name].deleted, tags: collected[name].tags }]),
  ) as unknown as GarbageSummary;
};
