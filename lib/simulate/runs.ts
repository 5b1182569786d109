import type { Version } from './bytes.ts';
import { IMAGES, type JobParameters, type Parameters, type Scenario } from './parameters.ts';
import { nextAfter, type Random } from './random.ts';

/** Seconds. */
export const DAY = 86_400;
const HOUR = 3600;

/** A job of a run. */
export interface SimJob {
  readonly name: string;
  readonly seconds: number;
  readonly reads: readonly Version[];
  readonly writes: readonly Version[];
  /** Positions of the jobs of the run that must have ended. */
  readonly needs: readonly number[];
}

/** What a CI starts as one: a nightly, or the build of a pull request. */
export interface SimRun {
  readonly kind: 'nightly' | 'pull_request';
  /** Seconds since the first midnight. */
  readonly startSeconds: number;
  /** Which of the sites builds it. */
  readonly site: number;
  readonly jobs: readonly SimJob[];
}

/** Whose run it is. */
export interface Origin {
  readonly kind: SimRun['kind'];
  readonly id: string;
  readonly line: number;
  readonly night: number;
}

const arches = (count: number): string[] => Array.from({ length: count }, (_, position) => `arch${position}`);

/** One SDK image serves all arches; all else is one arch's. */
const versionOf = (what: string, arch: string | undefined, origin: Origin): Version => {
  const isImage = (IMAGES as readonly string[]).includes(what);
  const series = `${what} ${what === 'sdk' ? '' : (arch ?? '')} ${isImage ? origin.line : origin.id}`;
  const isNightly = origin.kind === 'nightly';
  return { what, series, line: origin.line, id: `${series} ${origin.id}`, night: origin.night, isNightly };
};

/** The nightly of a line. */
export const nightlyOf = (line: number, night: number): Origin => ({
  kind: 'nightly',
  id: `${line}-${night}`,
  line,
  night,
});

interface Place {
  readonly name: string;
  readonly arch: string | undefined;
}

/** Whether a job waits for another one of its run: not for that of another arch. */
const waits = (needs: readonly string[], arch: string | undefined, other: Place): boolean =>
  needs.includes(other.name) && (arch === undefined || other.arch === undefined || arch === other.arch);

/** The jobs of a run of this origin. */
export const jobsOf = (jobs: Readonly<Record<string, JobParameters>>, archCount: number, origin: Origin): SimJob[] => {
  const places: Place[] = [];
  const made: SimJob[] = [];
  const last =
    origin.kind === 'nightly' ? nightlyOf(origin.line, origin.night - 1) : nightlyOf(origin.line, origin.night);
  for (const [name, { minutes, needs, each, before, reads, writes }] of Object.entries(jobs)) {
    for (const arch of each === 'arches' ? arches(archCount) : [undefined]) {
      const of = (whose: Origin) => (what: string) => versionOf(what, arch, whose);
      const waited = places.flatMap((place, position) => (waits(needs, arch, place) ? [position] : []));
      made.push({
        name,
        seconds: minutes * 60,
        reads: [...before.map(of(last)), ...reads.map(of(origin))],
        writes: writes.map(of(origin)),
        needs: waited,
      });
      places.push({ name, arch });
    }
  }
  return made;
};

/** Pull requests a second at a time of the day. */
const makeRate = ({ working }: Parameters, perDay: number) => {
  const hours = working.to - working.from;
  const inside = (perDay * working.part) / (hours * HOUR);
  const outside = (perDay * (1 - working.part)) / ((24 - hours) * HOUR);
  const at = (seconds: number): number => {
    const hour = (seconds % DAY) / HOUR;
    return hour >= working.from && hour < working.to ? inside : outside;
  };
  return { at, most: Math.max(inside, outside) };
};

/** Times of pull requests: independent of each other, more of them in working hours. */
const pullRequestTimes = (parameters: Parameters, perDay: number, random: Random): number[] => {
  const times: number[] = [];
  if (perDay === 0) return times;
  const rate = makeRate(parameters, perDay);
  for (let now = nextAfter(random, rate.most); now < parameters.days * DAY; now += nextAfter(random, rate.most)) {
    if (random() * rate.most < rate.at(now)) times.push(now);
  }
  return times;
};

/** The last night that had ended, roughly, when a pull request comes: that of the evening before. */
const nightBefore = (seconds: number): number => Math.max(0, Math.floor(seconds / DAY) - 1);

/** All runs of the simulated days, by time. */
export const planRuns = (parameters: Parameters, scenario: Scenario, random: Random): SimRun[] => {
  const { sites, arches: archCount, nightlies, pullRequests } = scenario;
  const runs: SimRun[] = [];
  for (let night = 0; night < parameters.days; night += 1) {
    for (let line = 0; line < nightlies; line += 1) {
      const jobs = jobsOf(parameters.runs.nightly, archCount, nightlyOf(line, night));
      const startSeconds = night * DAY + parameters.nightlyHour * HOUR;
      runs.push({ kind: 'nightly', startSeconds, site: line % sites, jobs });
    }
  }
  for (const [position, startSeconds] of pullRequestTimes(parameters, pullRequests, random).entries()) {
    const line = Math.floor(random() * Math.max(1, nightlies));
    const origin: Origin = { kind: 'pull_request', id: `pr${position}`, line, night: nightBefore(startSeconds) };
    const jobs = jobsOf(parameters.runs.pull_request, archCount, origin);
    runs.push({ kind: 'pull_request', startSeconds, site: Math.floor(random() * sites), jobs });
  }
  return runs.sort((a, b) => a.startSeconds - b.startSeconds);
};
