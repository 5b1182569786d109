/**
 * In an SDK container: builds the packages of the recipes, or takes unchanged ones from the binary-package store.
 * Reads:  packages/, the distfiles of the SDK, __build__/binpkgs/
 * Writes: /build/BOARD/var/lib/skiff/pkgs/, /build/BOARD/var/log/packages/, __build__/binpkgs/
 */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type BuiltPackage, getDebName, writeAptIndex, writeBuildIndex } from './binpkg-index.ts';
import { addEntry, explainMiss, findEntry, openStore, type Store } from './binpkg-store.ts';
import { setUpBoard } from './board.ts';
import { getSourceDateEpoch } from './epoch.ts';
import { Fault, runMain } from './fault.ts';
import { log } from './log.ts';
import { readBoard, readOptions } from './options.ts';
import { runPool } from './pool.ts';
import { type BuildSettings, type Recipe, readBuildSettings, readRecipes } from './recipe.ts';
import { type BuildJob, buildRecipe, getPackageVersion } from './recipe-build.ts';
import { collectInputs, makeKey, readInstalledVersions } from './recipe-key.ts';
import { type DebianSource, getSources } from './recipe-sources.ts';
import { getUpstreamVersion } from './recipe-steps.ts';
import { boards, getBoardDir } from './tree.ts';
import { readTreeVersion } from './version.ts';

const usage = './build_packages --board=BOARD [--rebuild]';

/** What the work on every recipe shares. */
interface Session {
  settings: BuildSettings;
  sources: Map<string, DebianSource>;
  installed: Map<string, string>;
  store: Store;
  boardDir: string;
  pkgsDir: string;
  builtBy: string;
  /** build even what the store has */
  rebuild: boolean;
}

function assembleJob(session: Session, recipe: Recipe): BuildJob {
  const { settings, sources, installed, boardDir } = session;
  const source = sources.get(recipe.name);
  return {
    recipe,
    settings,
    source,
    installed,
    version: getPackageVersion(recipe, source),
    workDir: path.join(boardDir, 'tmp/packages', recipe.name),
    logFile: path.join(boardDir, 'var/log/packages', `${recipe.name}.log`),
    jobs: os.availableParallelism(),
  };
}

/** Gets one package, from the store or by building it, into the pkgs folder. */
async function getPackage(session: Session, recipe: Recipe): Promise<BuiltPackage> {
  const { store, settings, sources, installed, pkgsDir, builtBy } = session;
  const job = assembleJob(session, recipe);
  const inputs = await collectInputs(recipe, settings, sources.get(recipe.name), installed);
  const key = makeKey(inputs);
  const label = `${recipe.name} ${getUpstreamVersion(job.version)}`;
  const deb = path.join(pkgsDir, getDebName(recipe.name, job.version));
  const stored = session.rebuild ? undefined : await findEntry(store, recipe.name, key);
  if (stored) {
    await fs.copyFile(path.join(store.dir, stored.file), deb);
    log(`${label}: reused (key ${key.slice(0, 8)}, built by ${stored.builtBy})`);
    const { sha256, sizeBytes } = stored;
    const why = `unchanged since ${stored.builtBy}`;
    return {
      name: recipe.name,
      version: job.version,
      key,
      file: path.basename(deb),
      sha256,
      sizeBytes,
      how: 'reused',
      why,
    };
  }
  const why = session.rebuild ? 'asked for with --rebuild' : explainMiss(store, recipe.name, key, inputs);
  log(`${label}: building: ${why}`);
  const startMs = performance.now();
  await buildRecipe(job, deb);
  const { sha256, sizeBytes } = await addEntry(store, deb, {
    name: recipe.name,
    version: job.version,
    key,
    builtBy,
    inputs,
  });
  log(`${label}: built in ${((performance.now() - startMs) / 1000).toFixed(1)} s (key ${key.slice(0, 8)})`);
  return {
    name: recipe.name,
    version: job.version,
    key,
    file: path.basename(deb),
    sha256,
    sizeBytes,
    how: 'built',
    why,
  };
}

/** Sizes of the sources decide the order: the longest build first, so that no processor waits at the end. */
async function sortBySourceSize(recipes: Recipe[], sources: Map<string, DebianSource>): Promise<Recipe[]> {
  const sized = recipes.map(async (recipe) => {
    const source = sources.get(recipe.name);
    const folder = source ? path.dirname(source.dsc) : recipe.dir;
    const stats = await Promise.all((await fs.readdir(folder)).map((name) => fs.stat(path.join(folder, name))));
    return { recipe, sizeBytes: stats.reduce((sum, { size }) => sum + size, 0) };
  });
  return (await Promise.all(sized)).sort((a, b) => b.sizeBytes - a.sizeBytes).map(({ recipe }) => recipe);
}

async function openSession(board: string, recipes: Recipe[], rebuild: boolean): Promise<Session> {
  const settings = await readBuildSettings();
  const boardDir = getBoardDir(board);
  const pkgsDir = path.join(boardDir, 'var/lib/skiff/pkgs');
  await fs.rm(pkgsDir, { recursive: true, force: true });
  await fs.mkdir(pkgsDir, { recursive: true });
  // The caller collects the logs, also of a build in which everything was reused.
  await fs.mkdir(path.join(boardDir, 'var/log/packages'), { recursive: true });
  const needed = [...settings.tools, ...recipes.flatMap((recipe) => recipe['build-depends'])];
  return {
    settings,
    sources: await getSources(recipes),
    installed: await readInstalledVersions(needed),
    store: await openStore(),
    boardDir,
    pkgsDir,
    builtBy: (await readTreeVersion()).version,
    rebuild,
  };
}

function reportFailures(recipes: Recipe[], results: PromiseSettledResult<BuiltPackage>[]): void {
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: recipes[index]?.name, reason: result.reason as unknown }] : [],
  );
  if (failed.length === 0) return;
  const details = failed.map(({ name, reason }) => {
    const hint = reason instanceof Fault ? `\n${reason.hint}` : '';
    return `${name}: ${reason instanceof Error ? reason.message : String(reason)}${hint}`;
  });
  const kept = `${results.length - failed.length} others are in the store and will not be built again`;
  throw new Fault(`${failed.length} of ${results.length} packages failed; ${kept}`, details.join('\n\n'));
}

async function main(args: string[]): Promise<undefined> {
  const { values } = readOptions(args, usage, { board: { type: 'string' }, rebuild: { type: 'boolean' } });
  const board = readBoard(values.board, boards);
  process.umask(0o022);
  await setUpBoard(board, await getSourceDateEpoch());
  const recipes = await readRecipes();
  const session = await openSession(board, recipes, values.rebuild ?? false);
  const order = await sortBySourceSize(recipes, session.sources);
  const results = await runPool(order, os.availableParallelism() + 1, (recipe) => getPackage(session, recipe));
  reportFailures(order, results);
  const packages = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  await writeAptIndex(session.pkgsDir);
  await writeBuildIndex(
    session.pkgsDir,
    packages.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  const built = packages.filter(({ how }) => how === 'built').length;
  log(`${packages.length} packages: ${built} built, ${packages.length - built} reused`);
  return undefined;
}

await runMain('build_packages', main);
