import type { Link } from './link.ts';
import type { CacheFigures, Parameters, Scenario } from './parameters.ts';
import { DAY } from './runs.ts';
import { type Choice, type Outcome, simulateScenario } from './simulate.ts';

const HOUR = 3600;

/** How full the busiest hour of a line may be: above that, waits grow without measure. */
export const FULL = 0.9;

/** What is told of the lines of one kind; of several servers, the busiest counts where it is about one line. */
export interface Traffic {
  /** Bytes a day, of all lines together. */
  readonly bytesPerDay: number;
  /** Bytes per second in the busiest five minutes. */
  readonly peakBytesPerSecond: number;
  /** Part of what the line can do, all days, and in its busiest hour. */
  readonly utilisation: number;
  readonly busiestHour: number;
}

/** One simulation in figures. */
export interface Measured {
  readonly choice: Required<Choice>;
  readonly out: Traffic;
  readonly in: Traffic;
  readonly mirrors: Traffic | undefined;
  /** Part of the workers' time that jobs had them. */
  readonly workersBusy: number;
  readonly waitSeconds: { readonly mean: number; readonly p95: number; readonly longest: number };
  /** Median from the start to the end. */
  readonly nightlySeconds: number;
  readonly pullRequestSeconds: number;
}

/** The value that so many of the values do not exceed; 0 of none. @param part 0.5 for the median */
export const quantile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
};

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** The first day is left out. */
const trafficOf = (links: readonly Link[], days: number): Traffic => {
  const [from, to] = [DAY, days * DAY];
  const sums = links.map((link) => link.between(from, to));
  const peak = (seconds: number): number => Math.max(...links.map((link) => link.peak(seconds, from, to) / seconds));
  const capacity = links[0]?.bytesPerSecond ?? 1;
  return {
    bytesPerDay: sums.reduce((sum, bytes) => sum + bytes, 0) / (days - 1),
    peakBytesPerSecond: peak(300),
    utilisation: Math.max(...sums) / (to - from) / capacity,
    busiestHour: peak(HOUR) / capacity,
  };
};

/** Figures of an outcome. */
export const measure = (
  outcome: Outcome,
  { days }: Parameters,
  workers: number,
  choice: Required<Choice>,
): Measured => {
  const { lines, waits, runs, busySeconds } = outcome;
  return {
    choice,
    out: trafficOf(lines.serverOut, days),
    in: trafficOf(lines.serverIn, days),
    mirrors: lines.mirrorOut.length > 0 ? trafficOf(lines.mirrorOut, days) : undefined,
    workersBusy: busySeconds / (workers * (days - 1) * DAY),
    waitSeconds: { mean: mean(waits), p95: quantile(waits, 0.95), longest: quantile(waits, 1) },
    nightlySeconds: quantile(runs.nightly, 0.5),
    pullRequestSeconds: quantile(runs.pull_request, 0.5),
  };
};

/** Simulates a choice and measures it. */
export const measureScenario = (
  parameters: Parameters,
  figures: CacheFigures,
  scenario: Scenario,
  { way, servers = 1, mirrors = false }: Choice,
): Measured => {
  const choice = { way, servers, mirrors };
  return measure(simulateScenario(parameters, figures, scenario, choice), parameters, scenario.workers, choice);
};

/** A scenario with other numbers of workers, and as much to do for each. */
export const scaled = (scenario: Scenario, workers: number): Scenario => ({
  ...scenario,
  workers,
  nightlies: Math.max(1, Math.round((scenario.nightlies * workers) / scenario.workers)),
  pullRequests: (scenario.pullRequests * workers) / scenario.workers,
});

/** Days of a simulation that only looks for the busiest hour. */
const SEARCH_DAYS = 2;

/** A number of workers in tens is as exact as such a number needs to be. */
const STEP_WORKERS = 10;

/** More often is not tried: each time comes nearer. */
const MOST_SEARCHES = 4;

/**
 * How many workers fill a server's line: with so many, in tens, the busiest hour of what it sends or gets is {@link FULL}.
 *
 * @param scenario whose load per worker counts
 */
export const findFull = (parameters: Parameters, figures: CacheFigures, scenario: Scenario, choice: Choice): number => {
  const few = { ...parameters, days: SEARCH_DAYS };
  let workers = scenario.workers;
  for (let search = 0; search < MOST_SEARCHES; search += 1) {
    const { out, in: into } = measureScenario(few, figures, scaled(scenario, workers), choice);
    // What a line carries grows with the workers until it is full.
    const busiest = Math.max(out.busiestHour, into.busiestHour);
    const next = Math.max(STEP_WORKERS, Math.round((workers * FULL) / busiest / STEP_WORKERS) * STEP_WORKERS);
    if (Math.abs(next - workers) <= Math.max(STEP_WORKERS, workers / 25)) return next;
    workers = next;
  }
  return workers;
};
