import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { makeSizes, type Sizes } from '../../../lib/simulate/bytes.ts';
import { diskAfter } from '../../../lib/simulate/disk.ts';
import { measure, measureScenario, quantile, scaled } from '../../../lib/simulate/measure.ts';
import { type CacheFigures, type Parameters, readParameters, type Scenario } from '../../../lib/simulate/parameters.ts';
import { makeRandom, nextAfter } from '../../../lib/simulate/random.ts';
import { DAY, planRuns, type SimRun } from '../../../lib/simulate/runs.ts';
import { runSimulation, simulateScenario } from '../../../lib/simulate/simulate.ts';

const PARAMETERS = await readParameters(join(import.meta.dirname, '../../../config/simulate.yaml'));

const FIGURES: CacheFigures = {
  plainBytes: { sdk: 500_000_000, packages: 600_000_000 },
  stored: { first: 0.5, touched: 0, userland: 0.02, kernel: 0.06 },
  downloaded: { builtYesterday: 0.03 },
};

const ONE_SITE = { sites: 1, servers: 1, mirrors: false };
const NO_BYTES: Sizes = { published: () => 0, read: () => 0 };

/** Runs of one job that come by chance. */
const singleJobs = (days: number, seconds: number, perSecond: number): SimRun[] => {
  const random = makeRandom(3);
  const runs: SimRun[] = [];
  for (let at = nextAfter(random, perSecond); at < days * DAY; at += nextAfter(random, perSecond)) {
    const jobs = [{ name: 'job', seconds, reads: [], writes: [], needs: [] }];
    runs.push({ kind: 'pull_request', startSeconds: at, site: 0, jobs });
  }
  return runs;
};

const withDays = (days: number): Parameters => ({ ...PARAMETERS, days });

describe('workers and their queue', () => {
  test.each([0.3, 0.6, 0.85])(
    'one worker that is %d busy lets jobs wait as the theory of queues says (M/D/1)',
    (load) => {
      const [days, seconds] = [200, 600];
      const runs = singleJobs(days, seconds, load / seconds);
      const outcome = runSimulation({
        parameters: withDays(days),
        workers: 1,
        topology: ONE_SITE,
        runs,
        sizes: NO_BYTES,
        random: makeRandom(1),
      });
      const mean = outcome.waits.reduce((sum, wait) => sum + wait, 0) / outcome.waits.length;
      const expected = (load * seconds) / (2 * (1 - load));
      expect(Math.abs(mean - expected) / expected).toBeLessThan(0.15);
      const busy = outcome.busySeconds / ((days - 1) * DAY);
      expect(Math.abs(busy - load)).toBeLessThan(0.02);
    },
  );

  test('more workers than jobs: nobody waits, and the workers are as busy as there is work', () => {
    const runs = singleJobs(50, 600, 1 / 600);
    const parameters = withDays(50);
    const simulation = { parameters, topology: ONE_SITE, runs, sizes: NO_BYTES, random: makeRandom(1) };
    const outcome = runSimulation({ ...simulation, workers: 30 });
    expect(quantile(outcome.waits, 1)).toBe(0);
    const measured = measure(outcome, parameters, 30, { way: 'plain', servers: 1, mirrors: false });
    expect(Math.abs(measured.workersBusy - 1 / 30)).toBeLessThan(0.003);
    expect(measured.out.bytesPerDay).toBe(0);
  });

  test('too few workers: they are always busy, and the queue grows', () => {
    const outcome = runSimulation({
      parameters: withDays(10),
      workers: 1,
      topology: ONE_SITE,
      runs: singleJobs(10, 600, 2 / 600),
      sizes: NO_BYTES,
      random: makeRandom(1),
    });
    expect(outcome.busySeconds / (9 * DAY)).toBeCloseTo(1, 3);
    expect(quantile(outcome.waits, 1)).toBeGreaterThan(2 * DAY);
  });
});

describe('a whole scenario', () => {
  const scenario: Scenario = { workers: 12, sites: 3, arches: 2, nightlies: 3, pullRequests: 20 };
  const parameters = withDays(4);

  test('is the same for the same seed, and another one for another', () => {
    const one = measureScenario(parameters, FIGURES, scenario, { way: 'dedup' });
    expect(measureScenario(parameters, FIGURES, scenario, { way: 'dedup' })).toEqual(one);
    const other = measureScenario({ ...parameters, seed: 2 }, FIGURES, scenario, { way: 'dedup' });
    expect(other.out.bytesPerDay).not.toBe(one.out.bytesPerDay);
  });

  test.each(['plain', 'dedup'] as const)('moves every byte that jobs ask for once (%s)', (way) => {
    // The last day is without new runs, so that all end.
    const sizes = makeSizes(way, parameters, FIGURES);
    const runs = planRuns({ ...parameters, days: 3 }, scenario, makeRandom(1));
    const topology = { sites: 3, servers: 2, mirrors: false };
    const outcome = runSimulation({ parameters, workers: 12, topology, runs, sizes, random: makeRandom(1) });
    expect(outcome.jobsDone).toBe(runs.reduce((sum, { jobs }) => sum + jobs.length, 0));
    const moved = (links: typeof outcome.lines.serverOut): number => links.reduce((sum, link) => sum + link.total(), 0);
    const published = runs.flatMap(({ jobs }) => jobs.flatMap(({ writes }) => writes)).map(sizes.published);
    const all = published.reduce((sum, bytes) => sum + bytes, 0);
    expect(moved(outcome.lines.serverIn) / all).toBeCloseTo(1, 6);
    expect(outcome.askedBytes.published / all).toBeCloseTo(1, 9);
    expect(moved(outcome.lines.serverOut) / outcome.askedBytes.read).toBeCloseTo(1, 6);
    if (way === 'plain') {
      const read = runs.flatMap(({ jobs }) => jobs.flatMap(({ reads }) => reads));
      expect(outcome.askedBytes.read).toBe(read.reduce((sum, version) => sum + sizes.read(version, undefined), 0));
    }
  });

  test('a mirror fetches each thing once for its site, and gives it to all', () => {
    const seen = { way: 'plain', mirrors: true } as const;
    const outcome = simulateScenario(parameters, FIGURES, scenario, seen);
    const direct = simulateScenario(parameters, FIGURES, scenario, { way: 'plain' });
    const total = (links: typeof outcome.lines.serverOut): number => links.reduce((sum, link) => sum + link.total(), 0);
    expect(total(outcome.lines.serverOut)).toBeLessThan(total(direct.lines.serverOut) * 0.7);
    expect(total(outcome.lines.mirrorOut) / outcome.askedBytes.read).toBeGreaterThan(0.99);
    expect(direct.lines.mirrorOut).toEqual([]);
  });

  test('two servers have half as much each, and together the same', () => {
    const one = measureScenario(parameters, FIGURES, { ...scenario, nightlies: 4 }, { way: 'plain' });
    const two = measureScenario(parameters, FIGURES, { ...scenario, nightlies: 4 }, { way: 'plain', servers: 2 });
    expect(two.out.bytesPerDay / one.out.bytesPerDay).toBeCloseTo(1, 1);
    expect(two.out.utilisation / one.out.utilisation).toBeLessThan(0.65);
  });

  test('a line that is not full is as full as what is asked of it', () => {
    const measured = measureScenario(parameters, FIGURES, scenario, { way: 'plain' });
    const perSecond = (parameters.lines.server * 1_000_000) / 8;
    expect(measured.out.utilisation).toBeCloseTo(measured.out.bytesPerDay / DAY / perSecond, 9);
    expect(measured.out.busiestHour).toBeGreaterThan(measured.out.utilisation);
    expect(measured.out.peakBytesPerSecond).toBeLessThanOrEqual(perSecond * 1.0001);
  });

  test('scaling keeps the work of a worker', () => {
    expect(scaled(scenario, 24)).toEqual({ ...scenario, workers: 24, nightlies: 6, pullRequests: 40 });
  });

  test('pull requests come as often as asked, most of them in working hours', () => {
    const runs = planRuns(withDays(200), { ...scenario, nightlies: 1, pullRequests: 50 }, makeRandom(5));
    const times = runs.filter(({ kind }) => kind === 'pull_request').map(({ startSeconds }) => startSeconds);
    expect(Math.abs(times.length / 200 - 50)).toBeLessThan(2);
    const inside = times.filter((at) => (at % DAY) / 3600 >= 8 && (at % DAY) / 3600 < 18);
    expect(inside.length / times.length).toBeCloseTo(PARAMETERS.working.part, 1);
  });
});

describe('sizes', () => {
  const version = { what: 'packages', series: 's', line: 0, id: 'a', night: 8, isNightly: true };
  const plain = makeSizes('plain', PARAMETERS, FIGURES);
  const dedup = makeSizes('dedup', PARAMETERS, FIGURES);

  test('the plain way moves whole images; the deduplicated store what is new', () => {
    expect(plain.published(version)).toBe(600_000_000);
    expect(plain.read(version, { id: 'a', night: 8 })).toBe(600_000_000);
    expect(dedup.published(version)).toBe(12_000_000);
    expect(dedup.published({ ...version, night: 7 })).toBe(36_000_000);
    expect(dedup.published({ ...version, night: 0 })).toBe(300_000_000);
  });

  test('a reader needs less the less has changed since what it has', () => {
    const cold = dedup.read(version, undefined);
    expect(cold).toBe(((0.5 * 1100) / 600) * 600_000_000);
    expect(dedup.read(version, { id: 'b', night: 8 })).toBe(18_000_000);
    expect(dedup.read(version, { id: 'b', night: 5 })).toBe(54_000_000);
    expect(dedup.read({ ...version, night: 500 }, { id: 'b', night: 5 })).toBe(cold);
    expect(dedup.read(version, { id: 'a', night: 8 })).toBe(0);
  });

  test('files are what they are, in both', () => {
    const file = { ...version, what: 'generic' };
    const bytes = (PARAMETERS.files.generic ?? 0) * 1_000_000;
    expect([plain.published(file), dedup.published(file), dedup.read(file, undefined)]).toEqual([bytes, bytes, bytes]);
  });
});

describe('disk', () => {
  const scenario: Scenario = { workers: 2, sites: 1, arches: 1, nightlies: 1, pullRequests: 0 };

  test('the plain way keeps whole images, the deduplicated store the first and what each night adds', () => {
    const plain = diskAfter(50, 'plain', PARAMETERS, FIGURES, scenario);
    expect(plain.everything.images).toBe(50 * 1_100_000_000);
    expect(plain.collected.images).toBe(PARAMETERS.keepNights * 1_100_000_000);
    const dedup = diskAfter(50, 'dedup', PARAMETERS, FIGURES, scenario);
    const kernels = Math.floor(49 / PARAMETERS.kernelEveryNights);
    const nights = 0.5 + kernels * 0.06 + (49 - kernels) * 0.02;
    expect(dedup.everything.images).toBeCloseTo(nights * 1_100_000_000, 0);
    expect(dedup.everything.files).toBe(plain.everything.files);
  });

  test('with collection it stays the same, however long', () => {
    const [fifty, two] = [50, 204].map((nights) => diskAfter(nights, 'dedup', PARAMETERS, FIGURES, scenario));
    expect(two?.collected.images).toBeCloseTo(fifty?.collected.images ?? 0, 0);
    expect(two?.collected.files).toBe(fifty?.collected.files);
  });
});
