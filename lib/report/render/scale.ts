/** A stretch of time, milliseconds since 1970. */
export interface Interval {
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Time in which nothing ran and that is drawn shorter than it was. */
export interface Gap extends Interval {
  /** Where on the axis it is drawn. */
  readonly at: number;
  readonly width: number;
}

/** Where moments are on an axis. */
export interface TimeScale {
  at(timeMs: number): number;
  readonly gaps: readonly Gap[];
  /** Round moments since the start. */
  readonly ticks: readonly { readonly at: number; readonly afterMs: number }[];
}

/** A wait that is longer than this share of the work is cut. */
const LONGEST_GAP_SHARE = 0.15;
const GAP_WIDTH_SHARE = 0.03;
const MIN_GAP_MS = 60_000;

const STEPS_MS = [
  100, 200, 500, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
].map((step, index) => (index < 3 ? step : step * 1000));

const MOST_TICKS = 8;

/** The intervals without overlaps, in order. */
const merge = (intervals: readonly Interval[]): Interval[] => {
  const merged: { startedMs: number; endedMs: number }[] = [];
  for (const { startedMs, endedMs } of intervals.toSorted((a, b) => a.startedMs - b.startedMs)) {
    const last = merged.at(-1);
    if (last && startedMs <= last.endedMs) last.endedMs = Math.max(last.endedMs, endedMs);
    else merged.push({ startedMs, endedMs });
  }
  return merged;
};

/** Lays time out on an axis of `width`; long waits between the intervals are cut, so that a step that was run again the next day leaves room for the rest. */
export const makeTimeScale = (intervals: readonly Interval[], width: number): TimeScale => {
  const busy = merge(intervals);
  const startMs = busy[0]?.startedMs ?? 0;
  const busyMs = busy.reduce((sum, { startedMs, endedMs }) => sum + endedMs - startedMs, 0);
  const waits = busy
    .slice(1)
    .map(({ startedMs }, index) => ({ startedMs: busy[index]?.endedMs ?? 0, endedMs: startedMs }));
  const longestMs = Math.max(MIN_GAP_MS, busyMs * LONGEST_GAP_SHARE);
  const cut = waits.filter(({ startedMs, endedMs }) => endedMs - startedMs > longestMs);
  const wholeMs = (busy.at(-1)?.endedMs ?? 0) - startMs;
  const shownMs = Math.max(1, wholeMs - cut.reduce((sum, { startedMs, endedMs }) => sum + endedMs - startedMs, 0));
  const gapWidth = width * Math.min(GAP_WIDTH_SHARE, 0.3 / Math.max(1, cut.length));
  const perMs = (width - gapWidth * cut.length) / shownMs;
  const at = (timeMs: number): number => {
    let position = (Math.max(timeMs, startMs) - startMs) * perMs;
    for (const { startedMs, endedMs } of cut) {
      if (timeMs <= startedMs) break;
      const share = Math.min(1, (timeMs - startedMs) / (endedMs - startedMs));
      position += share * gapWidth - Math.min(timeMs, endedMs) * perMs + startedMs * perMs;
    }
    return Math.min(width, position);
  };
  const gaps = cut.map((gap) => ({ ...gap, at: at(gap.startedMs), width: gapWidth }));
  const stepMs = STEPS_MS.find((step) => shownMs / step <= MOST_TICKS) ?? shownMs;
  // Where time is cut, round moments no longer have equal distances: there only the cuts are marked.
  const ticks =
    cut.length > 0 ? [] : Array.from({ length: Math.floor(shownMs / stepMs) + 1 }, (_, index) => index * stepMs);
  return { at, gaps, ticks: ticks.map((afterMs) => ({ at: at(startMs + afterMs), afterMs })) };
};
