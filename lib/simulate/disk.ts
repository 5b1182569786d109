import { makeSizes, type Version, type Way } from './bytes.ts';
import type { CacheFigures, Parameters, Scenario } from './parameters.ts';
import { makeRandom } from './random.ts';
import { DAY, planRuns } from './runs.ts';

/** What a cache server's disk holds, bytes. */
export interface Disk {
  readonly images: number;
  readonly files: number;
}

/** Disk after so many nights, when nothing is deleted and when garbage is collected. */
export interface DiskAfter {
  readonly nights: number;
  readonly everything: Disk;
  readonly collected: Disk;
}

const NOTHING: Disk = { images: 0, files: 0 };

const add = (disk: Disk, version: Version, bytes: number, parameters: Parameters): Disk =>
  version.what in parameters.files ? { ...disk, files: disk.files + bytes } : { ...disk, images: disk.images + bytes };

/**
 * What all runs of so many nights leave. Of the deduplicated store garbage collection frees what a night added, and never what the first night did: most of
 * that is still part of every later image.
 */
export const diskAfter = (
  nights: number,
  way: Way,
  parameters: Parameters,
  figures: CacheFigures,
  scenario: Scenario,
): DiskAfter => {
  const sizes = makeSizes(way, parameters, figures);
  const runs = planRuns({ ...parameters, days: nights }, scenario, makeRandom(parameters.seed));
  let everything = NOTHING;
  let collected = NOTHING;
  for (const { kind, startSeconds, jobs } of runs) {
    const ageDays = nights - Math.floor(startSeconds / DAY);
    const isKept = ageDays <= (kind === 'nightly' ? parameters.keepNights : parameters.keepPullRequestDays);
    for (const version of jobs.flatMap(({ writes }) => writes)) {
      const bytes = sizes.published(version);
      everything = add(everything, version, bytes, parameters);
      const isBase = way === 'dedup' && version.isNightly && version.night === 0 && !(version.what in parameters.files);
      if (isKept || isBase) collected = add(collected, version, bytes, parameters);
    }
  }
  return { nights, everything, collected };
};
