/**
 * The benchmark of the artifact cache: real images, published and fetched the plain way and ours, in one run; a table, and a record as JSON.
 *
 * Needs root (mmdebstrap), the container engine docker, and the Debian packages of the group `test` in config/host-packages.json. Takes about 20 GB of disk
 * while it runs, and leaves the workload (2 GB) for the next run.
 */
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createLog, createMask, textSink } from '../../../lib/log/index.ts';
import { measureSteps } from './measuring/measure.ts';
import { storedBelow, totalBytes } from './measuring/stored.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { wallOf } from './report/figures.ts';
import type { BenchResults, WayResults } from './report/results.ts';
import { engineTable, rawTable, seriesTable, stepTable, targetTable } from './report/table.ts';
import { runNights } from './scenario-nights.ts';
import { openWorker } from './scenario-publish.ts';
import { runSeries } from './scenario-series.ts';
import { run } from './shell.ts';
import { plainWay } from './ways/plain.ts';
import { findDifferences } from './workload/difference.ts';
import { listBenchImages, removeImages } from './workload/images.ts';
import { changedPackages, defaultCacheFolder, openWorkload, type Workload } from './workload/workload.ts';
import { startWorld, type World } from './world.ts';

const GIB = 1024 ** 3;
const NEEDED_BYTES = 25 * GIB;

const startedMs = performance.now();
const say = (line: string): void => {
  process.stderr.write(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s] ${line}\n`);
};

const requireRoom = async (folder: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < NEEDED_BYTES) {
    throw new Error(`${folder} has ${Math.floor((bavail * bsize) / GIB)} GiB free; the benchmark takes up to 25 GiB.`);
  }
};

const describeMachine = async () => ({
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryBytes: totalmem(),
  engine: await run('docker', ['version', '--format', 'docker {{.Server.Version}}']),
});

/** Every stored byte checked by the way itself, beside `sha256sum` over the same files. */
const runScrub = async (world: World, options: BenchOptions, work: string, ways: Record<string, WayResults>) => {
  const way =
    options.ways.find(({ name, scrub }) => name !== plainWay.name && scrub !== undefined) ?? options.ways.at(-1);
  if (!way) return undefined;
  const folder = world.prefixOf(way.name);
  const bytes = totalBytes(storedBelow(folder));
  if (bytes === 0) return undefined;
  const sums = 'find "$1" -type f -print0 | xargs -0 sha256sum';
  const [baseline] = await measureSteps([{ name: 'sha256sum', command: ['bash', '-c', sums, 'sums', folder] }]);
  const results = ways[way.name];
  if (way.scrub && results) {
    const steps = await measureSteps(way.scrub(world, await openWorker(join(work, 'scrubber'))));
    ways[way.name] = { ...results, scrub: { steps, bytes } };
  }
  return { bytes, wallMs: baseline?.wallMs ?? 0 };
};

const print = (title: string, table: string): void => {
  process.stdout.write(`\n${title}\n\n${table}`);
};

const report = (results: BenchResults): void => {
  print('Every step', stepTable(results));
  print('Each way', rawTable(results));
  const { plain, ...others } = results.ways;
  if (plain && results.engineAlone)
    print('The engine alone, of the plain way', engineTable(plain, results.engineAlone));
  for (const [name, way] of Object.entries(others)) {
    if (plain) print(`${name} against the plain way`, targetTable(plain, way));
    if (way.series) print(`Night after night, ${name}`, seriesTable(way.series));
    if (way.scrub && results.sha256sum) {
      const ratio = (results.sha256sum.wallMs / wallOf(way.scrub.steps)).toFixed(2);
      print(`Scrub, ${name}`, `${ratio} times the throughput of sha256sum over ${way.scrub.bytes} bytes\n`);
    }
  }
};

const measureAll = async (options: BenchOptions, workload: Workload, work: string): Promise<BenchResults> => {
  const startedAt = new Date().toISOString();
  const { first, userland, kernel } = workload.facts;
  const differences = await findDifferences(workload);
  const world = await startWorld(work);
  const common = { world, workload, ways: options.ways, work, say };
  try {
    const none = (): WayResults => ({ nights: {}, fetches: {} });
    const nights = options.onlySeries
      ? undefined
      : await runNights({ ...common, nights: options.workload, fetch: options.fetch });
    const ways: Record<string, WayResults> = {
      ...(nights?.ways ?? Object.fromEntries(options.ways.map(({ name }) => [name, none()]))),
    };
    if (options.nights > 0) {
      const series = await runSeries({ ...common, differences, nights: options.nights, scale: options.scale });
      for (const [name, nights] of Object.entries(series)) ways[name] = { ...(ways[name] ?? none()), series: nights };
    }
    const sha256sum = await runScrub(world, options, work, ways);
    return {
      bench: 'cache',
      startedAt,
      machine: await describeMachine(),
      workload: Object.fromEntries(
        Object.entries(workload.facts).map(([night, { sdkTarBytes, layerTarBytes }]) => [
          night,
          { sdkTarBytes, layerTarBytes },
        ]),
      ),
      changedPackages: {
        userlandSdk: changedPackages(first, userland, 'sdk'),
        userlandBoard: changedPackages(first, userland, 'board'),
        kernelSdk: changedPackages(first, kernel, 'sdk'),
        kernelBoard: changedPackages(first, kernel, 'board'),
      },
      differences,
      ways,
      ...(nights?.engineAlone ? { engineAlone: nights.engineAlone } : {}),
      ...(sha256sum ? { sha256sum } : {}),
    };
  } finally {
    await world.stop();
  }
};

/** Installs and starts what is missing on this machine, as the tests do. */
const prepare = async (): Promise<void> => {
  const output = { write: (text: string) => void process.stderr.write(text), isTerminal: false, columns: 120 };
  const log = createLog(textSink(output, createMask([])));
  const noInstall = !['', '0', 'false', undefined].includes(process.env.SLIPWAY_NO_INSTALL);
  const { prepareHost } = await import('../../../lib/setup/index.ts');
  const { env } = await prepareHost({ group: 'test', env: process.env, log, noInstall });
  Object.assign(process.env, env);
};

const runBench = async (options: BenchOptions): Promise<void> => {
  await prepare();
  const cacheFolder = defaultCacheFolder(process.env);
  // The steps that are measured know no such setting, and refuse what they do not know.
  delete process.env.SLIPWAY_BENCH_CACHE;
  await mkdir(cacheFolder, { recursive: true });
  await requireRoom(cacheFolder);
  const workload = await openWorkload(cacheFolder, say);
  if (options.makeWorkload) {
    const { facts } = workload;
    const differences = await findDifferences(workload);
    process.stdout.write(`${JSON.stringify({ folder: workload.folder, facts, differences }, null, 1)}\n`);
    return;
  }
  // Large files: not where a memory file system may be.
  const work = await mkdtemp(join(options.work ?? (process.env.TMPDIR || '/var/tmp'), 'slipway-bench-'));
  const cleanUp = async (): Promise<void> => {
    if (options.keep) return say(`kept: ${work} and the images ${await listBenchImages()}`);
    await removeImages(await listBenchImages());
    await rm(work, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
  }
  try {
    await requireRoom(work);
    const results = await measureAll(options, workload, work);
    report(results);
    const file = options.json ?? join(tmpdir(), 'cache-bench.json');
    await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
    say(`the record is ${file}`);
  } finally {
    await cleanUp();
  }
};

try {
  await runBench(parseOptions(process.argv.slice(2)));
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error);
  process.stderr.write(
    isUsage ? `${(error as Error).message}\n${USAGE}` : `${error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
