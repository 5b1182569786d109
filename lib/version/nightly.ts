import { parseVersion } from './grammar.ts';
import { dayCount, type VersionScheme } from './scheme.ts';
import type { Channel, Version } from './types.ts';

/** Which versions count as nightly builds. */
export interface NightlyPattern {
  readonly channels: readonly Channel[];
  /** Usually `nightly`; taken literally. */
  readonly word: string;
  /** Whether `-INTERMEDIATE` may follow: the first phase of an SDK that is built in two. */
  readonly intermediate: boolean;
}

/** Whether the version is `CHANNEL-N.N.N-WORD-YYYYMMDD-HHMM[-INTERMEDIATE]`. */
export const isNightly = (version: Version, pattern: NightlyPattern): boolean => {
  if (!pattern.channels.includes(version.channel) || !version.suffix.startsWith(`${pattern.word}-`)) return false;
  const stamp = version.suffix.slice(pattern.word.length + 1);
  return (pattern.intermediate ? /^\d{8}-\d{4}(-INTERMEDIATE)?$/ : /^\d{8}-\d{4}$/).test(stamp);
};

/** What a new nightly version is made from. */
export interface NightlyRequest {
  readonly now: Date;
  /** Default `main`. */
  readonly channel?: Channel;
  /** Default `nightly`. */
  readonly word?: string;
  /** Tags that exist already; for schemes that count on. Default none. */
  readonly tags?: readonly string[];
  /** Default {@link dayCount}. */
  readonly scheme?: VersionScheme;
}

/**
 * The version of a nightly build that starts at `now` (UTC).
 *
 * @example makeNightlyVersion({ now: new Date('2026-08-21T21:00:00Z') }).text // 'main-4799.0.0-nightly-20260821-2100'
 */
export const makeNightlyVersion = (request: NightlyRequest): Version => {
  const { now, channel = 'main', word = 'nightly', tags = [], scheme = dayCount } = request;
  const iso = now.toISOString();
  const stamp = `${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 16).replace(':', '')}`;
  return parseVersion(`${channel}-${scheme({ now, tags })}-${word}-${stamp}`);
};
