#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Finds the first published build that fails a test: boots builds between a good and a bad one, by halves. Publishes nothing. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactCache, createArtifactCache } from '../lib/cache/index.ts';
import { SETTINGS } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import { createRunner } from '../lib/process/index.ts';
import { createStatementReader } from '../lib/provenance/index.ts';
import type { OpenedStore, StepIo } from '../lib/step/index.ts';
import { explainVersionNumber } from '../lib/version/index.ts';
import { type BisectRequest, bisectHelp, parseBisectRequest } from './bisect/arguments.ts';
import { mostTests, searchFirstBad, type Verdict } from './bisect/search.ts';
import { openVerdicts } from './bisect/verdicts.ts';
import { type Build, findBuild } from './diff/builds.ts';
import { type BuildDiff, compareBuilds } from './diff/compare-builds.ts';
import { logBetween, sourceOf } from './diff/git-log.ts';
import { newestFirst } from './diff/newest.ts';
import { loadRequested, ofNightlies, type ReadingSettings, readingSettings } from './diff/reading.ts';
import { diffText } from './diff/render.ts';
import { runStepScript } from './nightly/run-steps.ts';
import { checkOut, cloneBare, findRepository } from './reproduce/source.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

/** What one call works with. */
interface Job {
  readonly io: StepIo;
  readonly request: BisectRequest;
  readonly opened: OpenedStore;
  readonly cache: ArtifactCache;
  readonly reading: ReadingSettings;
}

/** The image that is booted; undefined where the tree's tests are not ours, and any build may be tested. */
const imageOf = ({ tree }: Build, format: string): string | undefined =>
  'images' in tree.test ? tree.test.images[format]?.file : undefined;

/** The published versions from GOOD to BAD that have the image, oldest first. */
const candidatesOf = async ({ request, cache, opened }: Job): Promise<string[]> => {
  const { good, bad, format } = request;
  const wrong = (reason: string) => slipwayError('BISECT_RANGE_WRONG', { good, bad, reason });
  const where = { arch: opened.settings.ARCH, tree: opened.settings.SLIPWAY_TREE };
  const image = imageOf(await findBuild(cache, good, where), format);
  const names = await cache.store.list(`images/${where.arch}`, { onlyFolders: true });
  const versions = newestFirst(names.filter((name) => explainVersionNumber(name) === undefined)).reverse();
  const [from, to] = [versions.indexOf(good), versions.indexOf(bad)];
  if (to < 0) throw wrong(`${bad} is not published`);
  if (from >= to) throw wrong(`${good} does not come before ${bad}`);
  const between: string[] = [];
  for (const version of versions.slice(from, to + 1)) {
    if (image === undefined || (await cache.store.size(`images/${where.arch}/${version}/${image}`)) !== undefined)
      between.push(version);
    else if (version === good || version === bad) throw wrong(`${version} has no ${image}`);
    else opened.log.info(`${version} has no ${image}; it is passed over.`);
  }
  return between;
};

/** A version is bad when the tests fail in all of so many runs: one slow boot must not name the wrong version. */
const RUNS = 3;

/** Runs the test step in a checkout of the version, as a CI would. */
const testVersion = async (job: Job, version: string, folder: string): Promise<Verdict> => {
  const { io, request, opened, reading } = job;
  const { log, settings, interruption, verifier, store, temp } = opened;
  const runner = createRunner({ cwd: io.cwd, env: io.env, signal: interruption.signal });
  const source = await sourceOf(createStatementReader({ store, verifier, temp }), version);
  if (!source) {
    log.warn(`${version}: nothing says what it was built from; it is passed over.`);
    return 'skip';
  }
  const nightlyOrigins = await ofNightlies(settings.SLIPWAY_CACHE_DIR, 'origin.git');
  const search = { named: request.repository, cwd: io.cwd, nightlyOrigins };
  const [origin, tree] = [join(folder, 'origin.git'), join(folder, 'tree')];
  await cloneBare(runner, await findRepository(runner, search, { version, runs: [source] }), origin, io.cwd);
  await checkOut(runner, origin, source.tag, tree);
  const config = join(folder, 'ci-config.env');
  const given = { ...settings, ...reading, SKIP_COPY_TO_BINCACHE: true, MAX_RETRIES: RUNS, TEST_WORK_DIR: '__TESTS__' };
  const lines = Object.entries(given).filter(
    ([name, value]) =>
      Object.hasOwn(SETTINGS, name) &&
      value !== '' &&
      !(SETTINGS[name as keyof typeof SETTINGS] as { secret?: boolean }).secret,
  );
  await writeFile(config, lines.map(([name, value]) => `${name}='${String(value)}'\n`).join(''));
  const own = new Set<string>(Object.keys(SETTINGS));
  const env = Object.fromEntries(Object.entries(io.env).filter(([name]) => !own.has(name) && !name.startsWith('npm_')));
  const call = { step: 'test', args: [settings.ARCH, request.format, ...request.tests] };
  const run = await runStepScript(call, {
    scripts: import.meta.dirname,
    cwd: tree,
    env: { ...env, SLIPWAY_CONFIG: config },
  });
  interruption.signal.throwIfAborted();
  if (run.exitCode === 0) return 'good';
  const code = run.result?.error?.code;
  if (code === 'TESTS_FAILED') return 'bad';
  // Wrong names of tests are wrong for every version.
  if (run.exitCode === 2)
    throw slipwayError('BISECT_RANGE_WRONG', {
      ...request,
      reason: `the test step says ${code ?? 'that it was called wrongly'}`,
    });
  log.warn(`${version} could not be tested (${code ?? `exit code ${run.exitCode}`}); it is passed over.`);
  return 'skip';
};

const bisect = async (job: Job): Promise<string> => {
  const { io, request, opened, cache } = job;
  const { log, settings, temp, verifier, store, interruption } = opened;
  const versions = await candidatesOf(job);
  const thing = { arch: settings.ARCH, format: request.format, tests: request.tests };
  const verdicts = await openVerdicts(settings.SLIPWAY_CACHE_DIR, thing, request.forget);
  const folder = join(settings.SLIPWAY_CACHE_DIR, 'bisect', `work-${process.pid}`);
  const verdictOf = async (version: string): Promise<Verdict> => {
    const known = verdicts.get(version);
    const verdict = known ?? (await log.phase(`test ${version}`, () => testVersion(job, version, folder)));
    log.info(`${version} is ${verdict}${known === undefined ? '' : ', as an earlier search found'}`);
    await verdicts.set(version, verdict);
    return verdict;
  };
  try {
    log.info(`${versions.length} versions, ${mostTests(versions.length)} tests at most besides those of the two ends`);
    for (const [end, version] of [
      ['good', request.good],
      ['bad', request.bad],
    ] as const) {
      const verdict = await verdictOf(version);
      if (verdict !== end)
        throw slipwayError('BISECT_END_WRONG', { version, end, test: request.tests.join(', '), verdict });
    }
    const at = (index: number): string => versions[index] ?? '';
    const found = await searchFirstBad(versions.length, (index) => verdictOf(at(index)));
    const [lastGood, firstBad] = [at(found.lastGood), at(found.firstBad)];
    const where = { arch: settings.ARCH, tree: settings.SLIPWAY_TREE };
    const pair = [await findBuild(cache, lastGood, where), await findBuild(cache, firstBad, where)] as const;
    const runner = createRunner({ cwd: io.cwd, env: io.env, signal: interruption.signal });
    const nightlyOrigins = await ofNightlies(settings.SLIPWAY_CACHE_DIR, 'origin.git');
    const search = { named: request.repository, cwd: io.cwd, nightlyOrigins };
    const reader = createStatementReader({ store, verifier, temp });
    const gitLog = await logBetween(reader, [lastGood, firstBad], { runner, search, temp });
    const lists = { format: undefined, listsOnly: true, log: gitLog };
    const diff = await compareBuilds(pair, lists, { cache, runner, log, temp, signal: interruption.signal });
    const untested = found.untested.map(at);
    return request.line.json
      ? `${JSON.stringify({ lastGood, firstBad, untested, diff }, undefined, 2)}\n`
      : resultText(request, { lastGood, firstBad, untested, diff });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const resultText = (
  { tests }: BisectRequest,
  {
    lastGood,
    firstBad,
    untested,
    diff,
  }: { lastGood: string; firstBad: string; untested: readonly string[]; diff: BuildDiff },
): string =>
  [
    '',
    `${firstBad} is the first that fails ${tests.join(', ')}; ${lastGood} is the last that does not.`,
    ...(untested.length > 0 ? [`Could not be tested, and may be the first one: ${untested.join(', ')}`] : []),
    '',
    diffText(diff),
  ].join('\n');

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const request = parseBisectRequest(io.argv);
    const { line } = request;
    if (line.help || line.version) {
      io.stdout(line.help ? bisectHelp() : `slipway ${io.slipwayVersion}\n`);
      return 0;
    }
    const loaded = await loadRequested(io, request);
    const log = tools.openLogFor(line.json, loaded);
    const reading = await readingSettings(loaded);
    const opened = await tools.openStore({ ...loaded.values, ...reading });
    const { store, verifier, interruption } = opened;
    const cache = createArtifactCache({ store, verifier, log, signal: interruption.signal });
    io.stdout(await bisect({ io, request, opened, cache, reading }));
    return 0;
  });

if (import.meta.main) await runCommandAsScript('bisect', main);
