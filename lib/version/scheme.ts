/** What a scheme may look at. */
export interface SchemeContext {
  readonly now: Date;
  /** Tags that exist already, for schemes that count on from the last. */
  readonly tags: readonly string[];
}

/**
 * Gives the three numbers of a new version, for example `4799.0.0`. The one place where another way to number versions (a date, a
 * running integer) plugs in.
 */
export type VersionScheme = (context: SchemeContext) => string;

const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST_DAY_MS = Date.UTC(2013, 6, 1);

/** The days since 1 July 2013 (UTC) as the major number: how Flatcar and its ancestors number their builds. */
export const dayCount: VersionScheme = ({ now }) => `${Math.floor((now.getTime() - FIRST_DAY_MS) / DAY_MS)}.0.0`;
