import { fill } from '../config/index.ts';
import {
  type Channel,
  explainVersion,
  isNightly,
  parseVersion,
  renderVersionFile,
  type Version,
  type VersionFile,
} from '../version/index.ts';

/**
 * What tagging must know of an OS tree and of what is being tagged (its SDK or its packages). All of it is data: the same code tags
 * every tree. Templates have `${name}` placeholders: `${major}`, `${channel}` and `${group}` of the new version in `branch`;
 * `${version}` and `${sdkVersion}` (cache form), `${versionTag}` and `${sdkVersionTag}` (docker form) of the checked-out `version.txt`
 * in `unchangedWhenCached`.
 */
export interface TaggingRules {
  /** Channels whose `-WORD-YYYYMMDD-HHMM` versions are nightlies here: they go to a branch too, and stop when nothing changed. */
  readonly nightlyChannels: readonly Channel[];
  /** Usually `nightly`. */
  readonly nightlyWord: string;
  /** Whether `…-INTERMEDIATE` versions are nightlies as well. They never count as a previous build. */
  readonly intermediate: boolean;
  /** Which tag at HEAD counts as the previous build. */
  readonly previousTag: {
    readonly channels: readonly Channel[];
    /** Only tags with the major number of the new version. */
    readonly sameMajor: boolean;
    /** Release tags (`CHANNEL-N.N.N`) count too. */
    readonly releases: boolean;
  };
  /** The branch of nightlies, for example `main` or `flatcar-${major}`. */
  readonly branch: string;
  /** `follows`: a new SDK gets the new version; `kept`: `version.txt` goes on naming the SDK it names. */
  readonly sdkVersion: 'follows' | 'kept';
  /** Path from the root of the tree, and what its variables begin with, for example `FLATCAR_`. */
  readonly versionFile: { readonly path: string; readonly prefix: string };
  /** Cache paths that must all exist for "nothing changed since the previous build". */
  readonly unchangedWhenCached: readonly string[];
  /** Who commits when git knows nobody. */
  readonly author: { readonly name: string; readonly email: string };
  /** File in the root of the tree that tells later steps to skip the build, made when nothing changed; absent for none. */
  readonly skipFlag?: string;
  /** Uncommitted changes outside the version file: `refuse` them, or `leave` them alone as the original does. */
  readonly uncommitted: 'refuse' | 'leave';
  /** Folders in which an untracked file counts as an uncommitted change, because it would get into the build. */
  readonly sourceFolders: readonly string[];
}

/** The major number as it was written: leading zeros and all. */
const majorOf = (version: Version): string => version.vernum.split('.')[0] ?? '';

/** Whether `version` is a nightly of these rules. */
export const isNightlyOf = (rules: TaggingRules, version: Version): boolean =>
  isNightly(version, { channels: rules.nightlyChannels, word: rules.nightlyWord, intermediate: rules.intermediate });

/** The branch that a nightly is pushed to. */
export const branchOf = (rules: TaggingRules, version: Version): string =>
  fill(rules.branch, { major: majorOf(version), channel: version.channel, group: version.group });

const countsAsPrevious = (rules: TaggingRules, version: Version, tag: string): boolean => {
  if (explainVersion(tag) !== undefined) return false;
  const candidate = parseVersion(tag);
  const { channels, sameMajor, releases } = rules.previousTag;
  if (!channels.includes(candidate.channel)) return false;
  if (sameMajor && majorOf(candidate) !== majorOf(version)) return false;
  return (
    (releases && candidate.isOfficial) ||
    isNightly(candidate, { channels, word: rules.nightlyWord, intermediate: false })
  );
};

/**
 * The tag of the previous build among the tags at HEAD: the first that counts, in byte order. */
export const pickPreviousTag = (rules: TaggingRules, version: Version, tags: readonly string[]): string | undefined =>
  tags.filter((tag) => countsAsPrevious(rules, version, tag)).toSorted((a, b) => (a < b ? -1 : 1))[0];

/** The cache paths that tell whether the build of the checked-out version was finished. */
export const unchangedPaths = (rules: TaggingRules, { os, sdk }: VersionFile): string[] => {
  const values = {
    version: os.cacheForm,
    versionTag: os.dockerForm,
    sdkVersion: sdk.cacheForm,
    sdkVersionTag: sdk.dockerForm,
  };
  return rules.unchangedWhenCached.map((template) => fill(template, values));
};

/**
 * The text of the new version file.
 *
 * @param current what the version file says now; needed when the SDK version is kept
 */
export const newVersionText = (rules: TaggingRules, version: Version, current: VersionFile | undefined): string =>
  renderVersionFile(rules.versionFile.prefix, {
    os: version,
    sdk: rules.sdkVersion === 'kept' && current ? current.sdk : version,
  });

/** The message of the version commit; Flatcar's. */
export const commitMessage = (version: Version): string => `New version: ${version.text}`;
