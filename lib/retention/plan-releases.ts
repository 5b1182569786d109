import { slipwayError } from '../errors/index.ts';

/** A released version. */
export interface Release {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Minor numbers 0, 1 and 2 are the channels alpha, beta and stable; from here on it is LTS, with a line of releases for each major. */
const FIRST_LTS_MINOR = 3;

/** Reads `MAJOR.MINOR.PATCH`; undefined when the text is anything else. */
export const parseRelease = (text: string): Release | undefined => {
  const [, major, minor, patch] = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(text) ?? [];
  return patch === undefined ? undefined : { text, major: Number(major), minor: Number(minor), patch: Number(patch) };
};

const newestFirst = (a: Release, b: Release): number => b.major - a.major || b.minor - a.minor || b.patch - a.patch;

/**
 * Reads a list of releases: a JSON object; each key's first `N.N.N` is a version, keys without one do not count.
 *
 * @param feed where the text is from, for the error
 * @throws RELEASE_FEED_UNUSABLE when it is no such object or has no version: an empty list would condemn every release
 * @returns each version once, the newest first
 */
export const parseFeed = (text: string, feed: string): readonly Release[] => {
  const fail = (reason: string, cause?: unknown): Error =>
    slipwayError('RELEASE_FEED_UNUSABLE', { feed, reason }, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(text.trim() === '' ? 'it is empty' : 'it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('it is not a JSON object');
  const texts = new Set(Object.keys(value).flatMap((key) => /\d+\.\d+\.\d+/.exec(key)?.[0] ?? []));
  const releases = [...texts].flatMap((version) => parseRelease(version) ?? []);
  if (releases.length === 0) throw fail('none of its keys has a version');
  return releases.sort(newestFirst);
};

/**
 * The releases that stay: of alpha, beta and stable the newest few each, of LTS the newest few of each of the newest majors.
 *
 * @param releases the newest first
 */
export const chooseReleases = (
  releases: readonly Release[],
  { keep, lts }: { readonly keep: number; readonly lts: number },
): readonly Release[] => {
  const counts = new Map<string, number>();
  const ltsMajors = new Set<number>();
  return releases.filter(({ major, minor }) => {
    const isLts = minor >= FIRST_LTS_MINOR;
    if (isLts) ltsMajors.add(major);
    const line = isLts ? `lts ${major}` : String(minor);
    const count = counts.get(line) ?? 0;
    counts.set(line, count + 1);
    return count < keep && (!isLts || ltsMajors.size <= lts);
  });
};

/**
 * Why a version in the cache stays, or undefined when it goes: it is one of those that stay or, newer than them, about to be released.
 *
 * @param stays the releases that stay, the newest first; at least one
 * @param holdsSdk whether the folder keeps what all releases of a major version are built with
 */
export const whyReleaseStays = (version: Release, stays: readonly Release[], holdsSdk: boolean): string | undefined => {
  const [newest] = stays;
  if (newest === undefined) return 'nothing is known of the releases';
  if (stays.some(({ text }) => text === version.text)) return 'it is among the newest releases';
  const sameMajor = stays.filter(({ major }) => major === version.major);
  if (holdsSdk && sameMajor[0]) return `it has the SDK of ${sameMajor[0].text}`;
  if (version.major > newest.major) return `it is newer than any release (${newest.text})`;
  const isAhead = ({ minor, patch }: Release): boolean =>
    version.minor > minor || (version.minor === minor && version.patch > patch);
  const behind = sameMajor.find(isAhead);
  return behind && `it may be the release that follows ${behind.text}`;
};
