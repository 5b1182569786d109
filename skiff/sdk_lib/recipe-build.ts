import fs from 'node:fs/promises';
import path from 'node:path';
import { findElfFiles, findLibraryDepends } from './deb-depends.ts';
import { packDeb } from './deb-pack.ts';
import type { BuildSettings, Recipe } from './recipe.ts';
import type { DebianSource } from './recipe-sources.ts';
import { expandVariables, getUpstreamVersion } from './recipe-steps.ts';
import { runLogged } from './run-logged.ts';

/** One build: what, where, how. */
export interface BuildJob {
  recipe: Recipe;
  settings: BuildSettings;
  source?: DebianSource;
  /** version of the resulting package */
  version: string;
  /** versions of the build-depends, by name */
  installed: Map<string, string>;
  /** absolute path of the build's own folder; always the same for a recipe, because it may get into programs */
  workDir: string;
  logFile: string;
  /** processes that one build may run at the same time */
  jobs: number;
}

/** @returns version of the package: that of the source, and the recipe's revision */
export function getPackageVersion({ source, revision }: Recipe, debian: DebianSource | undefined): string {
  const version = debian?.version ?? ('tree' in source ? source.version : '');
  return `${version}+skiff${revision}`;
}

/** Puts the source in place, with Debian's patches and the recipe's. @returns its timestamp, seconds */
async function unpackSource(job: BuildJob, buildDir: string, env: NodeJS.ProcessEnv): Promise<number> {
  const { recipe, source, settings, logFile } = job;
  if (source) {
    await runLogged(['dpkg-source', '--extract', '--no-copy', source.dsc, buildDir], { logFile, env });
  } else if ('tree' in recipe.source) {
    await fs.cp(path.join(recipe.dir, recipe.source.tree), buildDir, { recursive: true });
  }
  for (const patch of recipe.patches) {
    const file = path.join(recipe.dir, 'patches', patch);
    await runLogged(['patch', '-p1', '--forward', '-i', file], { logFile, env, cwd: buildDir });
  }
  if (!source) return settings['tree-source-epoch'];
  const shown = await $({ quiet: true, cwd: buildDir, env })`dpkg-parsechangelog -STimestamp`;
  return Number(shown.stdout.trim());
}

function assembleVariables(job: BuildJob, buildDir: string, destDir: string): Record<string, string> {
  const { recipe, settings, version } = job;
  return {
    ...settings.environment,
    ...recipe.variables,
    NAME: recipe.name,
    VERSION: version,
    UPSTREAM_VERSION: getUpstreamVersion(version),
    BUILD_DIR: buildDir,
    DESTDIR: destDir,
    FILES: path.join(recipe.dir, 'files'),
    JOBS: String(job.jobs),
  };
}

/** Licence text for the image's SBOM: Debian's copyright file, or the licence's name. */
async function addCopyright({ recipe }: BuildJob, buildDir: string, destDir: string): Promise<void> {
  const file = path.join(destDir, 'usr/share/doc', recipe.name, 'copyright');
  await fs.mkdir(path.dirname(file), { recursive: true });
  const debian = await fs.readFile(path.join(buildDir, 'debian/copyright'), 'utf8').catch(() => undefined);
  const own = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: Skiff\nLicense: ${recipe.license}\n`;
  await fs.writeFile(file, debian ?? own);
}

/** Keeps what says why a configure script failed. */
async function keepConfigLog({ logFile }: BuildJob, buildDir: string): Promise<void> {
  const kept = logFile.replace(/\.log$/, '.config.log');
  await fs.copyFile(path.join(buildDir, 'config.log'), kept).catch(() => undefined);
}

/**
 * Builds one package.
 * @param job what to build
 * @param file absolute path of the .deb to write
 * @throws Fault with the last lines of the log when a step fails
 */
export async function buildRecipe(job: BuildJob, file: string): Promise<void> {
  const { recipe, settings, workDir, logFile } = job;
  const [buildDir, destDir] = [path.join(workDir, 'source'), path.join(workDir, 'dest')];
  await fs.rm(workDir, { recursive: true, force: true });
  await fs.mkdir(destDir, { recursive: true });
  await fs.rm(logFile, { force: true });
  const variables = assembleVariables(job, buildDir, destDir);
  const expand = (text: string) => expandVariables(text, variables);
  const names = Object.entries(settings.environment);
  const env: NodeJS.ProcessEnv = Object.fromEntries(names.map(([name, value]) => [name, expand(value)]));
  const epoch = await unpackSource(job, buildDir, env);
  env.SOURCE_DATE_EPOCH = String(epoch);
  try {
    for (const step of [...recipe.configure, ...recipe.build, ...recipe.check, ...recipe.install]) {
      await runLogged(step.map(expand), { logFile, env, cwd: buildDir });
    }
  } catch (error) {
    await keepConfigLog(job, buildDir);
    throw error;
  }
  await addCopyright(job, buildDir, destDir);
  const programs = await findElfFiles(destDir);
  for (const program of programs) await runLogged(['strip', '--strip-unneeded', program], { logFile, env });
  const libraries = await findLibraryDepends(programs, path.join(workDir, 'depends'));
  const control = {
    version: job.version,
    maintainer: settings.maintainer,
    depends: [libraries, ...recipe.depends].filter(Boolean).join(', '),
    staticBuiltUsing: recipe.static.map((name) => `${name} (= ${job.installed.get(name)})`).join(', '),
  };
  await packDeb(destDir, file, recipe, control, epoch);
  await fs.rm(workDir, { recursive: true, force: true });
}
