import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { Fault } from './fault.ts';
import { treeDir } from './tree.ts';

/** Where a recipe's source comes from: a Debian source package, or a folder beside the recipe. */
export type RecipeSource = { debian: string; version?: string } | { tree: string; version: string };

/** One program to run: exact words, with ${NAME} replaced by the interpreter. */
export type Step = string[];

/** How one package is built; packages/NAME/recipe.yaml. */
export interface Recipe {
  name: string;
  /** absolute path of packages/NAME */
  dir: string;
  source: RecipeSource;
  /** counts changes of the recipe for one version of the source */
  revision: number;
  description: string;
  details?: string;
  license: string;
  homepage?: string;
  'build-depends': string[];
  /** build-depends whose code is linked in */
  static: string[];
  /** packages beside the shared libraries, which are found by themselves */
  depends: string[];
  variables: Record<string, string>;
  patches: string[];
  configure: Step[];
  build: Step[];
  check: Step[];
  install: Step[];
}

/** What all recipes share; packages/build.yaml. */
export interface BuildSettings {
  tools: string[];
  environment: Record<string, string>;
  maintainer: string;
  'tree-source-epoch': number;
}

export const recipesDir = path.join(treeDir, 'packages');

const required = ['name', 'source', 'revision', 'description', 'license', 'build', 'install'];
const lists = ['build-depends', 'static', 'depends', 'patches', 'configure', 'check'];
const other = ['details', 'homepage', 'variables'];

/**
 * Checks what a recipe file says and fills in what it leaves out.
 * @param dir absolute path of packages/NAME
 * @param yaml parsed recipe.yaml
 * @throws Fault that names the faulty key
 */
export function checkRecipe(dir: string, yaml: Record<string, unknown>): Recipe {
  const where = path.join('packages', path.basename(dir), 'recipe.yaml');
  const unknown = Object.keys(yaml).find((key) => ![...required, ...lists, ...other].includes(key));
  if (unknown)
    throw new Fault(`${where}: unknown key ${unknown}`, `known: ${[...required, ...lists, ...other].join(' ')}`);
  const missing = required.find((key) => yaml[key] === undefined);
  if (missing) throw new Fault(`${where}: ${missing} is missing`);
  if (yaml.name !== path.basename(dir))
    throw new Fault(`${where}: name is ${String(yaml.name)}, expected the folder's name`);
  for (const key of ['configure', 'build', 'check', 'install']) {
    const steps = yaml[key] ?? [];
    const fine =
      Array.isArray(steps) &&
      steps.every((step) => Array.isArray(step) && step.every((word) => typeof word === 'string'));
    if (!fine) throw new Fault(`${where}: ${key} is not a list of lists of words`, 'quote numbers and true/false');
  }
  const source = yaml.source as Record<string, unknown>;
  if (!source.debian && !(source.tree && source.version)) {
    throw new Fault(`${where}: source is neither { debian: NAME } nor { tree: FOLDER, version: VERSION }`);
  }
  const defaults = Object.fromEntries(lists.map((key) => [key, []]));
  return { variables: {}, ...defaults, ...yaml, dir } as unknown as Recipe;
}

async function readYaml(file: string): Promise<Record<string, unknown>> {
  const text = await fs.readFile(file, 'utf8').catch(() => {
    throw new Fault(`${path.relative(treeDir, file)} is missing`, 'every folder in packages/ is a recipe');
  });
  try {
    return YAML.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new Fault(`${path.relative(treeDir, file)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads packages/build.yaml. */
export async function readBuildSettings(): Promise<BuildSettings> {
  return (await readYaml(path.join(recipesDir, 'build.yaml'))) as unknown as BuildSettings;
}

/**
 * Reads all recipes.
 * @returns recipes by name
 * @throws Fault for a faulty recipe
 */
export async function readRecipes(): Promise<Recipe[]> {
  const entries = await fs.readdir(recipesDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort(compareText).map(async (name) => {
      const dir = path.join(recipesDir, name);
      return checkRecipe(dir, await readYaml(path.join(dir, 'recipe.yaml')));
    }),
  );
}
