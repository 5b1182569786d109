import type { Version } from '../version/index.ts';
import { dayOf, lastOldDay } from './age.ts';
import type { Limits } from './limits.ts';

/** A tag of a development build. */
export interface BuildTag {
  readonly version: Version;
  /** When it was made: of an annotated tag the tagger's date, else the committer's. Undefined when it cannot be read. */
  readonly createdAt: Date | undefined;
  /** The object on the remote; undefined: the tag is only in this clone. */
  readonly remoteObject: string | undefined;
  /** The object in this clone; undefined: the tag is only on the remote. */
  readonly localObject: string | undefined;
}

/** What becomes of a build, and why. */
export interface BuildVerdict {
  readonly tag: BuildTag;
  readonly remove: boolean;
  readonly why: string;
}

const byAge = (a: BuildTag, b: BuildTag): number =>
  (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0) || (a.version.text < b.version.text ? -1 : 1);

/** Why a build stays without being counted, or undefined. */
const whyAside = ({ createdAt, remoteObject }: BuildTag): string | undefined => {
  if (remoteObject === undefined) return 'only this clone has the tag';
  return createdAt === undefined ? 'its date cannot be read' : undefined;
};

/**
 * Decides by number and age: the newest stay, and so do those that are too young. Order and age are by the same date.
 *
 * @returns every build, the newest first
 */
export const planBuilds = (tags: readonly BuildTag[], limits: Limits, now: Date): readonly BuildVerdict[] => {
  const oldDay = lastOldDay(now, limits.minAgeDays);
  let kept = 0;
  return tags.toSorted(byAge).map((tag) => {
    const aside = whyAside(tag);
    if (aside !== undefined || tag.createdAt === undefined) return { tag, remove: false, why: aside ?? '' };
    if (kept < limits.keep) {
      kept += 1;
      return { tag, remove: false, why: `number ${kept} of the ${limits.keep} newest` };
    }
    const day = dayOf(tag.createdAt);
    if (day > oldDay) return { tag, remove: false, why: `made ${day}, after ${oldDay}` };
    return { tag, remove: true, why: `made ${day}, and ${limits.keep} newer ones stay` };
  });
};

/**
 * Decides by name: the named builds go, whatever their age and number.
 *
 * @returns the builds that are named, and the names that no tag has
 */
export const planPurge = (
  tags: readonly BuildTag[],
  names: readonly string[],
): { readonly verdicts: readonly BuildVerdict[]; readonly unknown: readonly string[] } => {
  const byName = new Map(tags.map((tag) => [tag.version.text, tag]));
  const verdicts = names.flatMap((name) => {
    const tag = byName.get(name);
    return tag ? [{ tag, remove: true, why: 'named in PURGE_VERSIONS' }] : [];
  });
  return { verdicts, unknown: names.filter((name) => !byName.has(name)) };
};
