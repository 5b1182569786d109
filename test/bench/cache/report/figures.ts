import type { StepCost } from '../measuring/measure.ts';
import { type BytesByUse, totalBytes } from '../measuring/stored.ts';
import type { Served } from '../server-process.ts';
import type { Night } from '../workload/lists.ts';
import type { FetchCase, WayResults } from './results.ts';

/** Sum of what is there; undefined when nothing was measured, which is not the same as 0. */
const sum = (values: readonly number[] | undefined): number | undefined =>
  values === undefined || values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);

export const wallOf = (steps: readonly StepCost[]): number => sum(steps.map(({ wallMs }) => wallMs)) ?? 0;

/** Of all images of a night. */
export const publishMs = (way: WayResults, night: Night): number | undefined =>
  sum(way.nights[night]?.map(({ steps }) => wallOf(steps)));

/** Of the steps' processes and of the engine for them: what a loaded machine does not change much. */
export const cpuOf = (steps: readonly StepCost[]): number =>
  steps.reduce((total, { cpuMs, engineCpuMs }) => total + cpuMs + engineCpuMs, 0);

export const publishCpuMs = (way: WayResults, night: Night): number | undefined =>
  sum(way.nights[night]?.map(({ steps }) => cpuOf(steps)));

export const fetchCpuMs = (way: WayResults, kind: FetchCase): number | undefined => {
  const fetched = way.fetches[kind];
  return fetched && cpuOf(fetched.steps);
};

export const storedBytes = (way: WayResults, night: Night): number | undefined =>
  sum(way.nights[night]?.map(({ stored }) => totalBytes(stored)));

export const storedContentBytes = (way: WayResults, night: Night): number | undefined =>
  sum(way.nights[night]?.map(({ stored }) => stored.contentBytes));

export const fetchMs = (way: WayResults, kind: FetchCase): number | undefined => {
  const fetched = way.fetches[kind];
  return fetched && wallOf(fetched.steps);
};

export const servedBytes = ({ contentBytes, indexBytes }: Served): number => contentBytes + indexBytes;

export const fetchedBytes = (way: WayResults, kind: FetchCase): number | undefined => {
  const fetched = way.fetches[kind];
  return fetched && servedBytes(fetched.served);
};

/** The worst of all publications: the process with the largest peak, in bytes. */
export const publishPeak = (way: WayResults, of: 'peakProcessBytes' | 'peakTreeBytes'): number | undefined => {
  const peaks = Object.values(way.nights).flatMap((images) =>
    images.flatMap(({ steps }) => steps.map((step) => step[of])),
  );
  return peaks.length === 0 ? undefined : Math.max(...peaks);
};

/** What so many nights of the series hold, as a multiple of the first night's `one`; undefined when the series is shorter. */
export const seriesMultiple = (way: WayResults, nights: number, one: BytesByUse | undefined): number | undefined => {
  const last = way.series?.find(({ night }) => night === nights);
  return last && one && ratio(totalBytes(last.total), totalBytes(one));
};

/** What a worker that has nothing downloads at a night of the series, as a multiple of the first night; undefined when one of them was not measured. */
export const coldMultiple = (way: WayResults, nights: number): number | undefined => {
  const coldAt = (night: number): number | undefined => {
    const cold = way.series?.find((one) => one.night === night)?.cold;
    return cold && servedBytes(cold.served);
  };
  return ratio(coldAt(nights), coldAt(1));
};

/** `value` as a part of `base`; undefined when there is nothing to compare. */
export const ratio = (value: number | undefined, base: number | undefined): number | undefined =>
  value === undefined || base === undefined || base <= 0 ? undefined : value / base;
