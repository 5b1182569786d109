import { nearest } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';
import type { Limits } from './limits.ts';
import type { RetentionProfile } from './profile.ts';
import { parsePurgeVersions } from './purge-versions.ts';

/** The collectors, in the order in which they run. */
export const COLLECTORS = ['builds', 'orphans', 'cloud', 'pr-sdks', 'releases'] as const;

/** The name of a collector. */
export type Collector = (typeof COLLECTORS)[number];

/** What is to be collected. */
export interface GarbageRequest {
  readonly collectors: readonly Collector[];
  readonly builds: Limits;
  /** Names of builds that go, instead of the old ones; undefined: the old ones go. */
  readonly purge: readonly string[] | undefined;
  readonly prSdks: Limits;
  readonly releases: { readonly keep: number; readonly lts: number; readonly withLogs: boolean };
}

/** What a command line says. */
export interface GarbageWords {
  readonly positionals: readonly string[];
  /** Collector names with commas between; undefined: all. */
  readonly only: string | undefined;
  readonly withLogs: boolean;
  /** The value of PURGE_VERSIONS; empty: not set. Blanks are not empty: somebody's list came out so, and by age other builds would go. */
  readonly purgeVersions: string;
}

const parseCollectors = (only: string | undefined): readonly Collector[] => {
  if (only === undefined) return COLLECTORS;
  const words = only.split(',').map((word) => word.trim());
  for (const word of words) {
    if ((COLLECTORS as readonly string[]).includes(word)) continue;
    throw slipwayError('COLLECTOR_UNKNOWN', { collector: word, known: COLLECTORS, nearest: nearest(word, COLLECTORS) });
  }
  return COLLECTORS.filter((collector) => words.includes(collector));
};

/** A number that was given; empty counts as not given, as in the original. */
const parseCount = (name: string, word: string | undefined, least = 0): number | undefined => {
  if (word === undefined || word === '') return undefined;
  const value = Number(word);
  if (/^\d{1,9}$/.test(word) && value >= least) return value;
  throw slipwayError('GARBAGE_NUMBER_INVALID', { name, value: word, least });
};

/** Whom the numbers are for: builds when they are collected, else the only other collector that takes some. */
const whoTakesNumbers = (collectors: readonly Collector[], positionals: readonly string[]): Collector | undefined => {
  if (collectors.includes('builds')) return 'builds';
  const takers = collectors.filter((collector) => collector === 'pr-sdks' || collector === 'releases');
  if (positionals.length === 0 || takers.length === 1) return takers.length === 1 ? takers[0] : undefined;
  throw slipwayError('GARBAGE_NUMBERS_MEANINGLESS', { collectors, seen: positionals });
};

/**
 * Reads what to collect. The defaults are those of the tree; a number of builds without an age means every age, as in the original.
 *
 * @throws COLLECTOR_UNKNOWN, GARBAGE_NUMBER_INVALID, GARBAGE_NUMBERS_MEANINGLESS, PURGE_VERSION_INVALID
 */
export const parseGarbageRequest = (words: GarbageWords, profile: RetentionProfile): GarbageRequest => {
  const { positionals } = words;
  const collectors = parseCollectors(words.only);
  const taker = whoTakesNumbers(collectors, positionals);
  const [first, second] = positionals;
  const given = (wanted: Collector, word: string | undefined, name: string, least = 0): number | undefined =>
    taker === wanted ? parseCount(name, word, least) : undefined;

  const keep = given('builds', first, 'KEEP');
  const builds = {
    keep: keep ?? profile.builds.keep,
    minAgeDays: given('builds', second, 'MIN_AGE_DAYS') ?? (keep === undefined ? profile.builds.minAgeDays : 0),
  };
  // Together with the builds they share the builds' age, and few of them stay.
  const withBuilds = collectors.includes('builds');
  const prDefaults = withBuilds
    ? { keep: profile.prSdks?.keepInFullRun ?? 0, minAgeDays: builds.minAgeDays }
    : { keep: profile.prSdks?.keep ?? 0, minAgeDays: profile.prSdks?.minAgeDays ?? 0 };
  return {
    collectors,
    builds,
    // Nothing but blanks is not "not set": somebody's list came out empty, and by age other builds would go.
    purge:
      withBuilds && words.purgeVersions !== '' ? parsePurgeVersions(words.purgeVersions, profile.builds) : undefined,
    prSdks: {
      keep: given('pr-sdks', first, 'KEEP') ?? prDefaults.keep,
      minAgeDays: given('pr-sdks', second, 'MIN_AGE_DAYS') ?? prDefaults.minAgeDays,
    },
    releases: {
      // Without a single release that stays there is nothing to judge the others by.
      keep: given('releases', first, 'KEEP', 1) ?? profile.releases?.keep ?? 1,
      lts: given('releases', second, 'LTS') ?? profile.releases?.lts ?? 0,
      withLogs: words.withLogs,
    },
  };
};
