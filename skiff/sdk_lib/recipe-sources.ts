import fs from 'node:fs/promises';
import path from 'node:path';
import { fetchSources } from './distfiles.ts';
import { Fault } from './fault.ts';
import { hashFile } from './hash.ts';
import { type Recipe, readRecipes } from './recipe.ts';
import { distfilesDir } from './tree.ts';

/** A Debian source package of the distfiles. */
export interface DebianSource {
  /** absolute path of its .dsc, which carries the digests of the archives */
  dsc: string;
  version: string;
  /** sha256 of the .dsc, 64 hex */
  sha256: string;
}

function toWord({ source }: Recipe): string[] {
  if (!('debian' in source)) return [];
  return [source.version ? `${source.debian}=${source.version}` : source.debian];
}

/**
 * Lists the Debian source packages that the recipes name, for the distfiles.
 * @returns words for apt-get source: name or name=version
 */
export async function listRecipeSources(): Promise<string[]> {
  return [...new Set((await readRecipes()).flatMap(toWord))];
}

/** @returns the source package in the distfiles, or nothing when it is not there in the wanted version */
async function findSource(name: string, version: string | undefined): Promise<DebianSource | undefined> {
  const folder = path.join(distfilesDir, 'src', name);
  const file = (await fs.readdir(folder).catch(() => [])).find((entry) => entry.endsWith('.dsc'));
  if (!file) return undefined;
  const dsc = path.join(folder, file);
  const found = /^Version: (.*)$/m.exec(await fs.readFile(dsc, 'utf8'))?.[1];
  if (!found || (version && found !== version)) return undefined;
  return { dsc, version: found, sha256: await hashFile(dsc) };
}

/**
 * Finds the Debian sources of recipes in the distfiles; what is missing is fetched by the SDK's package lists.
 * @returns sources by recipe name; recipes with their source in the tree have none
 * @throws Fault for a source that neither the distfiles nor the mirror have
 */
export async function getSources(recipes: Recipe[]): Promise<Map<string, DebianSource>> {
  const found = new Map<string, DebianSource>();
  const collect = async (): Promise<Recipe[]> => {
    for (const { name, source } of recipes) {
      const debian = 'debian' in source ? await findSource(source.debian, source.version) : undefined;
      if (debian) found.set(name, debian);
    }
    return recipes.filter(({ name, source }) => 'debian' in source && !found.has(name));
  };
  const missing = await collect();
  if (missing.length > 0) await fetchSources('/', missing.flatMap(toWord));
  const still = await collect();
  if (still.length > 0) throw new Fault(`no source package for ${still.map(({ name }) => name).join(', ')}`);
  return found;
}
