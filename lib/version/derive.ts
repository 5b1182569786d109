import type { Group, Version } from './types.ts';

/*
 * Flatcar's derivations on any text, valid version or not, for what older tools wrote: `git describe` output, image names, folders
 * on a cache. They never fail; for one line of text. A version that has been parsed has all of these as fields.
 */

const groups: readonly string[] = ['alpha', 'beta', 'stable', 'lts'] satisfies Group[];

/** The channel an image of this version gets: what is before the first `-` if it is a release channel, else `developer`. */
export const deriveGroup = (text: string): Group => {
  const [first = ''] = text.split('-', 1);
  return groups.includes(first) ? (first as Group) : 'developer';
};

const PARTS = /^(?:[a-z]+-)?([0-9.]+)(?:[-+](.*))?/;

/** The digits and dots after an optional channel; empty when there are none. */
export const deriveVernum = (text: string): string => PARTS.exec(text)?.[1] ?? '';

/** What follows the digits and dots and one `-` or `+`; empty when nothing does. */
export const deriveBuildId = (text: string): string => PARTS.exec(text)?.[2] ?? '';

/** Without channel, the build id after a `+`: the form of `version.txt` and of the cache. Applying it twice changes nothing. */
export const deriveCacheForm = (text: string): string => {
  const buildId = deriveBuildId(text);
  return buildId === '' ? deriveVernum(text) : `${deriveVernum(text)}+${buildId}`;
};

/** Every `+` as `-`: for image tags and container names. */
export const deriveDockerForm = (text: string): string => text.replaceAll('+', '-');

/**
 * The version as the entry points of a tree take it: no channel, the build id after a `-`.
 *
 * @example withoutChannel(parseVersion('alpha-3244.0.1-nightly2')) // '3244.0.1-nightly2'
 */
export const withoutChannel = (version: Version): string => version.text.slice(version.channel.length + 1);

/** Whether the text is three numbers and nothing else. */
export const isOfficialNumber = (text: string): boolean => /^\d+\.\d+\.\d+$/.test(text);

/**
 * The tag that stands for a checkout which may carry several: the one whose cache form is `cacheForm`, else the only one there is.
 *
 * @param tags tags at HEAD
 * @param cacheForm the version in `version.txt`
 */
export const pickTag = (tags: readonly string[], cacheForm: string): string | undefined =>
  tags.find((tag) => deriveCacheForm(tag) === cacheForm) ?? (tags.length === 1 ? tags[0] : undefined);
