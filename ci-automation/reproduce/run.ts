import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fill, SETTINGS } from '../../lib/config/index.ts';
import { createEngine, type Engine, type FoundEngine } from '../../lib/container/index.ts';
import { slipwayError } from '../../lib/errors/index.ts';
import type { Log } from '../../lib/log/index.ts';
import type { Runner } from '../../lib/process/index.ts';
import type { TreeDescription } from '../../lib/tree/index.ts';
import { parseVersion } from '../../lib/version/index.ts';
import { runStepScript, type StepRun } from '../nightly/run-steps.ts';
import { isOptional, keptName } from './fetch.ts';
import { neededBy, type PlannedRun, type ReproducePlan } from './plan.ts';
import { checkOutTree, hasSources } from './source.ts';
import { CONTAINER_ENDING, describeTree } from './tree.ts';
import { layOut, type ReproduceFolders, type RunFolders, runFolders } from './workspace.ts';

/** What running works with. */
export interface RunParts {
  readonly plan: ReproducePlan;
  readonly folders: ReproduceFolders;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** SLIPWAY_CACHE_DIR, and how to call the engine (`docker`). */
  readonly settings: {
    readonly SLIPWAY_CACHE_DIR: string;
    readonly docker: string;
    readonly BUILDCACHE_LAYOUT: string;
  };
  readonly engine: FoundEngine;
  readonly runner: Runner;
  readonly log: Log;
  /** Absolute folder of the step scripts. */
  readonly scripts: string;
}

/** A run that ended well, and where its outcome is. */
export interface FinishedRun {
  readonly run: PlannedRun;
  readonly ended: StepRun;
  readonly folders: RunFolders;
}

const openEngine = ({ engine, runner }: RunParts): Engine =>
  createEngine({ ...engine, query: runner, effects: runner });

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** What is missing for going on without the network, in words. */
export const findMissing = async (parts: RunParts): Promise<string[]> => {
  const { plan, folders, runner } = parts;
  const engine = openEngine(parts);
  const missing: string[] = [];
  if (!(await hasSources(runner, folders, plan))) missing.push('the sources are not here');
  for (const run of plan.runs) {
    const { inputs, images } = neededBy(run, plan);
    for (const input of inputs)
      if (!isOptional(input) && !(await exists(join(folders.inputs, input.path))))
        missing.push(`${input.path} is not here`);
    for (const image of images)
      if ((await engine.imageId(keptName(image))) !== image.id)
        missing.push(`the container engine has no image ${image.name}:${image.version}`);
  }
  return missing;
};

/** A nightly may have removed the names of images that it does not need any more. */
const nameImages = async (engine: Engine, run: PlannedRun, plan: ReproducePlan): Promise<void> => {
  for (const image of neededBy(run, plan).images) {
    const reference = `${image.name}:${image.version}`;
    if ((await engine.imageId(reference)) !== image.id) await engine.tag(keptName(image), reference);
  }
};

/** The variables of a value that a shell and dotenv read the same way. */
const configLine = ([name, value]: readonly [string, string]): string => `${name}='${value.replaceAll("'", '')}'\n`;

/** No setting of this user's reaches the steps, least of all that of the published cache; what the statement says was set is set again. */
const writeConfig = async ({ folders, settings }: RunParts, run: PlannedRun, cache: string): Promise<void> => {
  const { SLIPWAY_CACHE_DIR, BUILDCACHE_LAYOUT } = settings;
  const values = {
    ...run.settings,
    SLIPWAY_CACHE_DIR,
    BUILDCACHE_LAYOUT,
    BUILDCACHE_DIR: cache,
    BUILDCACHE_MIRROR_URL: 'none',
    SLIPWAY_TREE: folders.tree,
  };
  const known = Object.entries(values).filter(([name, value]) => Object.hasOwn(SETTINGS, name) && value !== '');
  await writeFile(folders.config, known.map(configLine).join(''));
};

const stepEnvironment = ({ env, folders, settings }: RunParts): Record<string, string | undefined> => {
  const names = new Set(Object.keys(SETTINGS));
  const kept = Object.entries(env).filter(([name]) => !names.has(name) && !name.startsWith('npm_'));
  const docker = settings.docker === '' ? {} : { docker: settings.docker };
  return { ...Object.fromEntries(kept), ...docker, SLIPWAY_CONFIG: folders.config };
};

const removeContainers = async (engine: Engine, tree: TreeDescription, { runs }: ReproducePlan): Promise<void> => {
  for (const { tag, key } of runs) {
    const arch = key.split('-')[1] ?? '';
    const versionTag = parseVersion(tag).dockerForm;
    for (const { container } of [tree.packages, tree.image, tree.vms])
      await engine.removeContainer(`${fill(container, { arch, versionTag })}${CONTAINER_ENDING}`).catch(() => {});
  }
};

/** Images that a chain makes under the names of the published ones: afterwards the names belong to the published ones again. */
const restoreNames = async (engine: Engine, before: ReadonlyMap<string, string | undefined>): Promise<void> => {
  for (const [reference, id] of before) if (id !== undefined) await engine.tag(id, reference).catch(() => {});
};

/** References of the images that the runs make. */
const namesMade = ({ runs }: ReproducePlan): string[] =>
  runs
    .flatMap(({ outputs }) => outputs)
    .flatMap(({ path }) => {
      const [, version, name] = /^containers\/([^/]+)\/(.+)-\1\.id$/.exec(path) ?? [];
      return version === undefined || name === undefined ? [] : [`${name}:${version}`];
    });

const runOne = async (parts: RunParts, run: PlannedRun, engine: Engine): Promise<FinishedRun> => {
  const { plan, folders, runner, log, scripts } = parts;
  const own = runFolders(folders, plan, run.key, run.tag);
  if (!plan.isChained) await rm(own.cache, { recursive: true, force: true });
  if (!plan.isChained || !(await exists(own.tree))) await checkOutTree(runner, folders, run.tag, own.tree);
  const { inputs, images } = neededBy(run, plan);
  const ids = images.map(({ name, version }) => `containers/${version}/${name}-${version}.id`);
  await layOut(folders.inputs, own.cache, [...inputs.map(({ path }) => path), ...ids]);
  await nameImages(engine, run, plan);
  await writeConfig(parts, run, own.cache);
  log.info(`Running ${run.step} ${run.args.join(' ')} in ${own.tree}`);
  const ended = await runStepScript(run, { scripts, cwd: own.tree, env: stepEnvironment(parts) });
  if (ended.exitCode !== 0)
    throw slipwayError('REPRODUCE_STEP_FAILED', { step: run.key, exitCode: ended.exitCode, tree: own.tree });
  return { run, ended, folders: own };
};

/**
 * Runs the steps of a plan, each as a CI would, with a cache of its own.
 *
 * @throws REPRODUCE_STEP_FAILED
 */
export const runAll = async (parts: RunParts): Promise<FinishedRun[]> => {
  const { plan, folders, runner } = parts;
  const engine = openEngine(parts);
  const [first] = plan.runs;
  if (!first) return [];
  await rm(join(folders.root, plan.isChained ? 'chain' : 'runs'), { recursive: true, force: true });
  await mkdir(folders.temp, { recursive: true });
  const checkout = join(folders.temp, 'checkout');
  await checkOutTree(runner, folders, first.tag, checkout);
  const tree = await describeTree(checkout, first.settings.SLIPWAY_TREE ?? '', folders.tree);
  await rm(checkout, { recursive: true, force: true });
  const before = new Map<string, string | undefined>();
  for (const name of namesMade(plan)) before.set(name, await engine.imageId(name));
  const finished: FinishedRun[] = [];
  try {
    for (const run of plan.runs) finished.push(await runOne(parts, run, engine));
    return finished;
  } finally {
    await removeContainers(engine, tree, plan);
    await restoreNames(engine, before);
  }
};
