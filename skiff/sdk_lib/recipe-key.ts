import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import { hashFile, hashText } from './hash.ts';
import type { BuildSettings, Recipe } from './recipe.ts';
import { recipesDir } from './recipe.ts';
import type { DebianSource } from './recipe-sources.ts';

/** Everything that goes into a build, by a name that a person understands; the values are versions or digests. */
export type KeyInputs = Record<string, string>;

/** Scripts of this tree that decide what ends up in a package. */
const interpreter = ['recipe-build.ts', 'recipe-steps.ts', 'deb-depends.ts', 'deb-pack.ts'];

/** @returns key of the inputs, 64 hex: equal inputs, equal package */
export function makeKey(inputs: KeyInputs): string {
  return hashText(JSON.stringify(Object.entries(inputs).sort(([a], [b]) => compareText(a, b))));
}

/**
 * Says how two sets of inputs differ.
 * @returns for example ['recipe.yaml', 'gcc-12 12.2.0-13 -> 12.2.0-14']
 */
export function describeChanges(before: KeyInputs, now: KeyInputs): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(compareText);
  const isDigest = (value: string | undefined) => value === undefined || /^(?:x )?[0-9a-f]{64}$/.test(value);
  return names
    .filter((name) => before[name] !== now[name])
    .map((name) => {
      if (before[name] === undefined) return `${name} added`;
      if (now[name] === undefined) return `${name} removed`;
      return isDigest(now[name]) ? `${name} changed` : `${name} ${before[name]} -> ${now[name]}`;
    });
}

/** Digests of all files below a folder, with the executable bit, by relative path. */
async function hashFolder(folder: string): Promise<KeyInputs> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const hashes = files.map(async (file): Promise<[string, string]> => {
    const executable = ((await fs.stat(file)).mode & 0o100) !== 0;
    return [path.relative(folder, file), `${executable ? 'x ' : ''}${await hashFile(file)}`];
  });
  return Object.fromEntries(await Promise.all(hashes));
}

/**
 * Reads versions of installed packages, once for all recipes.
 * @param names Debian package names
 * @throws Fault that names what is not installed
 */
export async function readInstalledVersions(names: string[]): Promise<Map<string, string>> {
  const format = '--showformat=${Package} ${Version} ${db:Status-Status}\\n';
  const shown = await $({ quiet: true, nothrow: true })`dpkg-query --show ${format} ${[...new Set(names)]}`;
  const lines = shown.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const versions = new Map<string, string>();
  for (const [name = '', version = '', status] of lines) if (status === 'installed') versions.set(name, version);
  const missing = names.filter((name) => !versions.has(name));
  if (missing.length === 0) return versions;
  throw new Fault(
    `build-depends that this SDK does not have: ${missing.join(', ')}`,
    'add them to sdk/packages.yaml and make a new SDK',
  );
}

/**
 * Collects everything that goes into a build.
 * @param source Debian source, where the recipe has one
 * @param versions result of readInstalledVersions
 */
export async function collectInputs(
  recipe: Recipe,
  settings: BuildSettings,
  source: DebianSource | undefined,
  versions: Map<string, string>,
): Promise<KeyInputs> {
  const tools = [...settings.tools, ...recipe['build-depends']];
  const scripts = await Promise.all(interpreter.map((name) => hashFile(path.join(import.meta.dirname, name))));
  return {
    ...(await hashFolder(recipe.dir)),
    ...(source ? { 'Debian source': `${source.version} ${source.sha256.slice(0, 16)}` } : {}),
    ...Object.fromEntries(tools.map((name) => [name, versions.get(name) ?? ''])),
    'packages/build.yaml': await hashFile(path.join(recipesDir, 'build.yaml')),
    'the recipe interpreter': hashText(scripts.join()),
  };
}
