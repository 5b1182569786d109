import { type Known, makeSizes, type Sizes, type Version, type Way } from './bytes.ts';
import { createClock } from './clock.ts';
import { type CacheLines, openLines, type Topology } from './lines.ts';
import type { CacheFigures, Parameters, Scenario } from './parameters.ts';
import { makeRandom, type Random } from './random.ts';
import { DAY, planRuns, type SimJob, type SimRun } from './runs.ts';

/** What happened in a simulation. */
export interface Outcome {
  readonly lines: CacheLines;
  /** Seconds that jobs that became ready after the first day waited for a worker. */
  readonly waits: readonly number[];
  /** Seconds from the start to the end of runs that started after the first day and ended. */
  readonly runs: Readonly<Record<SimRun['kind'], readonly number[]>>;
  /** Seconds of all workers together that a job had one, after the first day and before the end. */
  readonly busySeconds: number;
  /** Bytes that jobs asked for and published in all that time, finished or not. */
  readonly askedBytes: { readonly read: number; readonly published: number };
  readonly jobsDone: number;
}

interface Worker {
  readonly site: number;
  /** What it built or read last, by series. */
  readonly known: Map<string, Known>;
}

/** A run with how far it is. */
interface Progress {
  readonly run: SimRun;
  readonly ended: Set<number>;
  readonly begun: Set<number>;
}

interface Ready {
  readonly job: SimJob;
  readonly readySeconds: number;
  readonly end: () => void;
}

const takeRandom = <T>(from: T[], random: Random): T | undefined => {
  const position = Math.floor(random() * from.length);
  const [taken] = from.splice(position, 1);
  return taken;
};

/** Given runs on given workers. */
export interface Simulation {
  readonly parameters: Parameters;
  readonly workers: number;
  readonly topology: Topology;
  readonly runs: readonly SimRun[];
  readonly sizes: Sizes;
  readonly random: Random;
}

/** Lets the days go by. Jobs wait in one queue for each site, and get any of its workers that is free. */
export const runSimulation = (simulation: Simulation): Outcome => {
  const { parameters, topology, runs, sizes, random } = simulation;
  const clock = createClock();
  const endSeconds = parameters.days * DAY;
  const lines = openLines(clock, parameters, topology, sizes);
  const queues = Array.from({ length: topology.sites }, (): Ready[] => []);
  const idle = Array.from({ length: topology.sites }, (): Worker[] => []);
  for (let number = 0; number < simulation.workers; number += 1) {
    const site = number % topology.sites;
    idle[site]?.push({ site, known: new Map() });
  }
  const waits: number[] = [];
  const durations: Record<SimRun['kind'], number[]> = { nightly: [], pull_request: [] };
  const asked = { read: 0, published: 0 };
  let busySeconds = 0;
  let jobsDone = 0;

  const counted = (from: number, to: number): number => Math.max(0, Math.min(to, endSeconds) - Math.max(from, DAY));

  const readAll = (versions: readonly Version[], worker: Worker, done: () => void): void => {
    const [version, ...rest] = versions;
    if (!version) {
      done();
      return;
    }
    const bytes = sizes.read(version, worker.known.get(version.series));
    asked.read += bytes;
    worker.known.set(version.series, version);
    lines.read(version, bytes, worker.site, () => readAll(rest, worker, done));
  };

  const publishAll = (versions: readonly Version[], worker: Worker, done: () => void): void => {
    const [version, ...rest] = versions;
    if (!version) {
      done();
      return;
    }
    const bytes = sizes.published(version);
    asked.published += bytes;
    worker.known.set(version.series, version);
    lines.publish(version, bytes, worker.site, () => publishAll(rest, worker, done));
  };

  const work = ({ job, readySeconds, end }: Ready, worker: Worker): void => {
    const begun = clock.now();
    if (readySeconds >= DAY) waits.push(begun - readySeconds);
    readAll(job.reads, worker, () =>
      clock.at(clock.now() + job.seconds, () =>
        publishAll(job.writes, worker, () => {
          busySeconds += counted(begun, clock.now());
          running.delete(worker);
          jobsDone += 1;
          idle[worker.site]?.push(worker);
          end();
          assign(worker.site);
        }),
      ),
    );
    running.set(worker, begun);
  };

  const running = new Map<Worker, number>();

  const assign = (site: number): void => {
    const queue = queues[site] ?? [];
    const free = idle[site] ?? [];
    while (queue.length > 0 && free.length > 0) {
      const ready = queue.shift() as Ready;
      work(ready, takeRandom(free, random) as Worker);
    }
  };

  const begin = (progress: Progress): void => {
    const { run, ended, begun } = progress;
    for (const [position, job] of run.jobs.entries()) {
      if (begun.has(position) || !job.needs.every((need) => ended.has(need))) continue;
      begun.add(position);
      const end = (): void => {
        ended.add(position);
        if (ended.size === run.jobs.length && run.startSeconds >= DAY)
          durations[run.kind].push(clock.now() - run.startSeconds);
        begin(progress);
      };
      queues[run.site]?.push({ job, readySeconds: clock.now(), end });
    }
    assign(run.site);
  };

  for (const run of runs) clock.at(run.startSeconds, () => begin({ run, ended: new Set(), begun: new Set() }));
  clock.runUntil(endSeconds);
  for (const begun of running.values()) busySeconds += counted(begun, endSeconds);
  return { lines, waits, runs: durations, busySeconds, askedBytes: asked, jobsDone };
};

/** What to simulate of a scenario. */
export interface Choice {
  readonly way: Way;
  readonly servers?: number;
  readonly mirrors?: boolean;
}

/** Simulates a scenario of the parameters. The same seed gives every way the same runs. */
export const simulateScenario = (
  parameters: Parameters,
  figures: CacheFigures,
  scenario: Scenario,
  { way, servers = 1, mirrors = false }: Choice,
): Outcome =>
  runSimulation({
    parameters,
    workers: scenario.workers,
    topology: { sites: scenario.sites, servers, mirrors },
    runs: planRuns(parameters, scenario, makeRandom(parameters.seed)),
    sizes: makeSizes(way, parameters, figures),
    random: makeRandom(parameters.seed + 1),
  });
