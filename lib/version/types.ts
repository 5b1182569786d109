/** The release channels a tag may begin with, from the youngest code to the oldest. */
export const channels = ['main', 'alpha', 'beta', 'stable', 'lts'] as const;

/** What a tag begins with. */
export type Channel = (typeof channels)[number];

/** What an image calls its channel: `main` builds are for developers. */
export type Group = Exclude<Channel, 'main'> | 'developer';

/** A version without its channel, as `version.txt` and the artifact cache have it. Made by the parsers only; frozen. */
export interface VersionNumber {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** The three numbers as they were written, for example `4799.0.0`. */
  readonly vernum: string;
  /** What follows the numbers, for example `nightly-20260821-2100`; empty when nothing does. */
  readonly buildId: string;
  /** How the cache and `version.txt` write it: `4799.0.0+nightly-20260821-2100`, or `4799.0.0`. */
  readonly cacheForm: string;
  /** The same where a `+` is not allowed (image tags, container names): `4799.0.0-nightly-20260821-2100`. */
  readonly dockerForm: string;
  /** Three numbers and nothing else: a version that may be released. */
  readonly isOfficial: boolean;
}

declare const checked: unique symbol;

/** A version as a git tag: a {@link VersionNumber} of a channel. Only `parseVersion` makes one, so it is known to be safe. */
export interface Version extends VersionNumber {
  readonly [checked]: true;
  /** The tag, for example `main-4799.0.0-nightly-20260821-2100`. */
  readonly text: string;
  readonly channel: Channel;
  readonly group: Group;
  /** Same as `buildId`: what follows the numbers. */
  readonly suffix: string;
}
