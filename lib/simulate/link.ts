/** Width of the columns in which traffic is counted, seconds. */
export const COLUMN_SECONDS = 300;

/** One direction of a line, and what went over it. */
export interface Link {
  readonly name: string;
  /** Infinity: it is never the narrow place. */
  readonly bytesPerSecond: number;
  /** Notes that so many bytes went over it at an even rate. */
  count(fromSeconds: number, toSeconds: number, bytes: number): void;
  /** All bytes so far. */
  total(): number;
  /** Bytes between two times, which are ends of columns. */
  between(fromSeconds: number, toSeconds: number): number;
  /** The most bytes in a window of so many seconds (whole columns) between two times. */
  peak(windowSeconds: number, fromSeconds: number, toSeconds: number): number;
}

/** @param bytesPerSecond Infinity: as much as is wanted */
export const createLink = (name: string, bytesPerSecond: number): Link => {
  const columns: number[] = [];
  let total = 0;
  const add = (column: number, bytes: number): void => {
    columns[column] = (columns[column] ?? 0) + bytes;
  };
  const between = (fromSeconds: number, toSeconds: number): number => {
    let sum = 0;
    for (let column = fromSeconds / COLUMN_SECONDS; column < toSeconds / COLUMN_SECONDS; column += 1)
      sum += columns[column] ?? 0;
    return sum;
  };
  return {
    name,
    bytesPerSecond,
    count(fromSeconds, toSeconds, bytes) {
      total += bytes;
      const perSecond = bytes / (toSeconds - fromSeconds);
      let at = fromSeconds;
      for (let column = Math.floor(at / COLUMN_SECONDS); at < toSeconds; column += 1) {
        const end = Math.min(toSeconds, (column + 1) * COLUMN_SECONDS);
        add(column, (end - at) * perSecond);
        at = end;
      }
    },
    total: () => total,
    between,
    peak(windowSeconds, fromSeconds, toSeconds) {
      const width = windowSeconds / COLUMN_SECONDS;
      const first = fromSeconds / COLUMN_SECONDS;
      const last = toSeconds / COLUMN_SECONDS - width;
      let sum = between(fromSeconds, fromSeconds + windowSeconds);
      let most = sum;
      for (let column = first; column < last; column += 1) {
        sum += (columns[column + width] ?? 0) - (columns[column] ?? 0);
        most = Math.max(most, sum);
      }
      return most;
    },
  };
};
