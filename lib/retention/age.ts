const DAY_MS = 24 * 60 * 60 * 1000;

/** The day of a moment, UTC. @example dayOf(new Date(0)) // '1970-01-01' */
export const dayOf = (moment: Date): string => moment.toISOString().slice(0, 10);

/**
 * The last day on which something may have been made that is old enough now. Whole days, as the original counts: what was made on that day is
 * old enough, what was made on the next is not.
 */
export const lastOldDay = (now: Date, minAgeDays: number): string =>
  // Before the year 0 nothing was made; the calendar of Date ends there too.
  dayOf(new Date(Math.max(now.getTime() - minAgeDays * DAY_MS, 0)));
