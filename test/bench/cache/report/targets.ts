import type { Night } from '../workload/lists.ts';
import {
  coldMultiple,
  fetchedBytes,
  fetchMs,
  publishMs,
  publishPeak,
  ratio,
  seriesMultiple,
  storedBytes,
  storedContentBytes,
} from './figures.ts';
import type { FetchCase, WayResults } from './results.ts';

/** How good a figure is: `none` when it was not measured. */
export type Verdict = 'stretch' | 'must' | 'missed' | 'none';

/** One figure with its target. All figures are better when smaller. */
export interface Row {
  readonly figure: string;
  readonly unit: 'ratio' | 'MB' | 'times' | 'requests' | 'bytes';
  readonly must: number;
  readonly stretch?: number;
  readonly value: number | undefined;
  readonly verdict: Verdict;
}

/** A target is met by what is as good as it says. */
export const verdictOf = (value: number | undefined, must: number, stretch?: number): Verdict => {
  if (value === undefined || Number.isNaN(value)) return 'none';
  if (stretch !== undefined && value <= stretch) return 'stretch';
  return value <= must ? 'must' : 'missed';
};

const row = (figure: string, unit: Row['unit'], value: number | undefined, must: number, stretch?: number): Row => ({
  figure,
  unit,
  must,
  stretch,
  value,
  verdict: verdictOf(value, must, stretch),
});

const MB = 1_000_000;

const inMb = (bytes: number | undefined): number | undefined => (bytes === undefined ? undefined : bytes / MB);

/** The targets of the artifact cache, against the plain way. */
export const rowsOf = (plain: WayResults, way: WayResults): Row[] => {
  const stored = (night: Night) => ratio(storedBytes(way, night), storedBytes(plain, night));
  const publish = (night: Night) => ratio(publishMs(way, night), publishMs(plain, night));
  const fetch = (kind: FetchCase) => ratio(fetchMs(way, kind), fetchMs(plain, kind));
  const yesterday = way.fetches['built yesterday'];
  const downloaded = ratio(fetchedBytes(way, 'built yesterday'), fetchedBytes(plain, 'built yesterday'));
  const [oneNight] = plain.series ?? [];
  return [
    row('stored, SDK + packages, first night', 'ratio', stored('first'), 0.6, 0.52),
    row('stored, touched night', 'MB', inMb(storedBytes(way, 'touched')), 1),
    row('stored, touched night, new contents', 'bytes', storedContentBytes(way, 'touched'), 0),
    row('stored, userland night', 'ratio', stored('userland'), 0.04, 0.015),
    row('stored, kernel night', 'ratio', stored('kernel'), 0.3, 0.14),
    row('downloaded, built yesterday, userland night', 'ratio', downloaded, 0.04, 0.015),
    row('requests for that', 'requests', yesterday?.served.requests, 50),
    row('publish wall, first night', 'ratio', publish('first'), 0.8, 0.6),
    row('publish wall, touched night', 'ratio', publish('touched'), 0.4, 0.15),
    row('publish wall, userland night', 'ratio', publish('userland'), 0.5, 0.25),
    row('fetch wall, cold', 'ratio', fetch('cold'), 1, 0.7),
    row('fetch wall, worker has the base layers', 'ratio', fetch('base layers'), 0.05, 0.03),
    row('fetch wall, worker built yesterday', 'ratio', fetch('built yesterday'), 0.6, 0.4),
    row('peak memory of the publishing process', 'MB', inMb(publishPeak(way, 'peakProcessBytes')), 400, 200),
    row('peak memory of it with all it started', 'MB', inMb(publishPeak(way, 'peakTreeBytes')), 400, 200),
    row('200 nights, downloaded by a worker that has nothing, in first nights', 'times', coldMultiple(way, 200), 3, 2),
    row('50 nights, stored, in plain nights', 'times', seriesMultiple(way, 50, oneNight?.stored), 6, 3),
  ];
};
