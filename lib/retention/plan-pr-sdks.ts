import { lastOldDay } from './age.ts';
import type { Limits } from './limits.ts';

/** What becomes of one SDK image of a pull request. */
export interface PrSdkVerdict {
  readonly name: string;
  readonly remove: boolean;
  readonly why: string;
}

/** `VERSION-github-DATE` and `VERSION-github-PR-NUMBER-DATE`, in older names `pr`; DATE is `YYYY_MM_DD__HH_MM_SS`. */
const NAME = /^\d+\.\d+\.\d+.*-github-(?:pr-\d+-)?(\d{4}_\d\d_\d\d)__(\d\d_\d\d_\d\d)$/i;

const MARK = '-github-';

/**
 * Decides by number and age, by the date in the name: the newest stay, and so do those that are too young.
 *
 * @param names everything in the folder; names that are not of the kind do not count, and those that only look like it stay
 * @returns those of the kind, the newest first, then those that only look like it
 */
export const planPrSdks = (names: readonly string[], limits: Limits, now: Date): readonly PrSdkVerdict[] => {
  const oldDay = lastOldDay(now, limits.minAgeDays);
  const candidates = names.filter((name) => name.includes(MARK) && !name.startsWith('.'));
  const dated = candidates.flatMap((name) => {
    const [, day, time] = NAME.exec(name) ?? [];
    return day === undefined ? [] : [{ name, day: day.replaceAll('_', '-'), stamp: `${day}__${time}` }];
  });
  // As the original sorts: by date, and names of the same second backwards too.
  dated.sort((a, b) => (a.stamp === b.stamp ? (a.name < b.name ? 1 : -1) : a.stamp < b.stamp ? 1 : -1));
  const verdicts = dated.map(({ name, day }, at): PrSdkVerdict => {
    if (at < limits.keep) return { name, remove: false, why: `number ${at + 1} of the ${limits.keep} newest` };
    if (day > oldDay) return { name, remove: false, why: `made ${day}, after ${oldDay}` };
    return { name, remove: true, why: `made ${day}, and ${limits.keep} newer ones stay` };
  });
  const undated = candidates.filter((name) => !NAME.test(name));
  return [...verdicts, ...undated.map((name) => ({ name, remove: false, why: 'its name has no date' }))];
};
