import { makeSizes, type Sizes, type Way } from './bytes.ts';
import type { CacheFigures, Parameters, Scenario } from './parameters.ts';
import { jobsOf, nightlyOf, type Origin, type SimJob } from './runs.ts';

/** What a cache server's disk holds, bytes: container images, and files that are stored as they are. */
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

const add = (a: Disk, b: Disk, times = 1): Disk => ({
  images: a.images + b.images * times,
  files: a.files + b.files * times,
});

/** What the jobs of a run publish. */
const publishedBy = (jobs: readonly SimJob[], sizes: Sizes, { files }: Parameters): Disk =>
  jobs
    .flatMap(({ writes }) => writes)
    .map((version) => {
      const bytes = sizes.published(version);
      return version.what in files ? { images: 0, files: bytes } : { images: bytes, files: 0 };
    })
    .reduce((sum, disk) => add(sum, disk), NOTHING);

/**
 * What the runs of so many nights leave. Of the deduplicated store garbage collection frees what a night added, and never what the first night did: most of
 * that is still part of every later image.
 */
export const diskAfter = (
  nights: number,
  way: Way,
  parameters: Parameters,
  figures: CacheFigures,
  { arches, nightlies, pullRequests }: Scenario,
): DiskAfter => {
  const sizes = makeSizes(way, parameters, figures);
  const pullRequest: Origin = { kind: 'pull_request', id: 'pr', line: 0, night: 0 };
  const ofPullRequests = publishedBy(jobsOf(parameters.runs.pull_request, arches, pullRequest), sizes, parameters);
  let everything = NOTHING;
  let collected = NOTHING;
  for (let night = 0; night < nights; night += 1) {
    const age = nights - night;
    const nightly = publishedBy(jobsOf(parameters.runs.nightly, arches, nightlyOf(0, night)), sizes, parameters);
    everything = add(add(everything, nightly, nightlies), ofPullRequests, pullRequests);
    if (age <= parameters.keepNights) collected = add(collected, nightly, nightlies);
    else if (night === 0 && way === 'dedup') collected = add(collected, { ...nightly, files: 0 }, nightlies);
    if (age <= parameters.keepPullRequestDays) collected = add(collected, ofPullRequests, pullRequests);
  }
  return { nights, everything, collected };
};
