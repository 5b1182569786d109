/** What a test says of a version; `skip`: it could not be tested. */
export type Verdict = 'good' | 'bad' | 'skip';

/** What a search found. */
export interface SearchResult {
  /** Index of the last version that is known to be good. */
  readonly lastGood: number;
  /** Index of the first version that is known to be bad. */
  readonly firstBad: number;
  /** Indexes between the two: versions that could not be tested, each of which may be the first bad one too. */
  readonly untested: readonly number[];
}

/** The one nearest to the middle that was not passed over. */
const nextBetween = (low: number, high: number, skipped: ReadonlySet<number>): number | undefined => {
  const middle = Math.floor((low + high) / 2);
  const between = Array.from({ length: high - low - 1 }, (_, index) => low + 1 + index);
  return between
    .filter((index) => !skipped.has(index))
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b)[0];
};

/**
 * Finds by halves where versions begin to be bad; the first is good and the last is bad.
 *
 * @param count number of versions, at least 2
 * @param verdictOf asked at most once for each
 */
export const searchFirstBad = async (
  count: number,
  verdictOf: (index: number) => Promise<Verdict>,
): Promise<SearchResult> => {
  const skipped = new Set<number>();
  let [low, high] = [0, count - 1];
  for (let next = nextBetween(low, high, skipped); next !== undefined; next = nextBetween(low, high, skipped)) {
    const verdict = await verdictOf(next);
    if (verdict === 'good') low = next;
    else if (verdict === 'bad') high = next;
    else skipped.add(next);
  }
  return {
    lastGood: low,
    firstBad: high,
    untested: [...skipped].filter((one) => one > low && one < high).sort((a, b) => a - b),
  };
};

/** How many tests a search takes at most, when none is passed over. */
export const mostTests = (count: number): number => Math.ceil(Math.log2(Math.max(1, count - 1)));
