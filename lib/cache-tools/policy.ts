import { dayOf, lastOldDay, parseRelease } from '../retention/index.ts';
import { deriveDockerForm } from '../version/index.ts';
import type { CachedVersion } from './versions.ts';

/** Which versions stay. Without `keepNewest` and `keepDays` all do. */
export interface KeepPolicy {
  /** Of each line: releases of each channel and LTS major, nightlies, SDKs of pull requests, other builds. */
  readonly keepNewest?: number;
  /** Those that are younger stay, by whole days as garbage_collect counts them. */
  readonly keepDays?: number;
  readonly keepReleases: boolean;
  /** Stay whatever else is said. */
  readonly keep: readonly string[];
}

/** What becomes of a version, and why. */
export interface VersionVerdict {
  readonly version: CachedVersion;
  readonly remove: boolean;
  readonly why: string;
}

/** Minor numbers from here on are LTS, with a line for each major (the tree's numbering, as in lib/retention). */
const FIRST_LTS_MINOR = 3;

/**
 * The line of versions that a version is counted in.
 *
 * @example lineOf('4799.2.0') // 'releases 2'
 * @example lineOf('4799.0.0-nightly-20260821-2100') // 'nightly 0'
 */
export const lineOf = (version: string): string => {
  const [numbers = '', ...rest] = version.split('-');
  const release = parseRelease(numbers);
  const channel = release && release.minor >= FIRST_LTS_MINOR ? `lts ${release.major}` : `${release?.minor ?? '?'}`;
  const suffix = rest.join('-');
  const kind =
    suffix === ''
      ? 'releases'
      : /(^|-)github-/.test(suffix)
        ? 'pull requests'
        : /^nightly/.test(suffix)
          ? 'nightly'
          : 'builds';
  return `${kind} ${channel}`;
};

/** Decides by rules alone; the first that keeps a version is its reason. */
const judge = (versions: readonly CachedVersion[], policy: KeepPolicy, nowMs: number): VersionVerdict[] => {
  const { keepNewest, keepDays, keepReleases } = policy;
  const named = new Set(policy.keep.map(deriveDockerForm));
  const oldDay = lastOldDay(new Date(nowMs), keepDays ?? 0);
  const counts = new Map<string, number>();
  const whyKept = ({ version, newestMs }: CachedVersion): string | undefined => {
    const line = lineOf(version);
    const count = (counts.get(line) ?? 0) + 1;
    counts.set(line, count);
    if (named.has(version)) return 'it is named';
    if (keepReleases && parseRelease(version)) return 'it is a release';
    if (keepNewest !== undefined && count <= keepNewest)
      return `number ${count} of the ${keepNewest} newest of ${line}`;
    const day = dayOf(new Date(newestMs));
    if (keepDays !== undefined && day > oldDay) return `made ${day}, after ${oldDay}`;
    return undefined;
  };
  return versions.map((version) => {
    const why = whyKept(version);
    return {
      version,
      remove: why === undefined,
      why: why ?? `made ${dayOf(new Date(version.newestMs))}, and no rule keeps it`,
    };
  });
};

/**
 * Decides which versions go.
 *
 * @param versions the newest first
 * @param sdkOf the version of the SDK that a version was built with, if that is known: it stays as long as the version does
 */
export const judgeVersions = (
  versions: readonly CachedVersion[],
  policy: KeepPolicy,
  nowMs: number,
  sdkOf: ReadonlyMap<string, string>,
): readonly VersionVerdict[] => {
  if (policy.keepNewest === undefined && policy.keepDays === undefined) {
    return versions.map((version) => ({ version, remove: false, why: 'no rule says what goes' }));
  }
  const verdicts = new Map(judge(versions, policy, nowMs).map((verdict) => [verdict.version.version, verdict]));
  // The SDK of an SDK stays, too; a version that stays is put at the end and looked at once more.
  const staying = [...verdicts.values()].filter(({ remove }) => !remove);
  for (const { version } of staying) {
    const sdk = verdicts.get(sdkOf.get(version.version) ?? '');
    if (!sdk?.remove) continue;
    const kept = { ...sdk, remove: false, why: `${version.version} was built with it` };
    verdicts.set(sdk.version.version, kept);
    staying.push(kept);
  }
  return [...verdicts.values()];
};
