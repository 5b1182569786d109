import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** A jest project: which tests it has, and what they need. */
export interface Layer {
  readonly name: string;
  /** Folders of its tests, below the checkout. */
  readonly folders: readonly string[];
  /** Its tests use the machine: container engine, sshd, QEMU. So it needs them installed. */
  readonly usesHost: boolean;
  /** How many of its files run side by side. */
  readonly workers: number;
  /** It runs beside the next layer: both run their files one after the other, and neither makes what the other one does. */
  readonly besideNext: boolean;
}

interface JestConfig {
  readonly default: {
    readonly projects: readonly { readonly displayName: string; readonly testMatch: readonly string[] }[];
  };
}

const configFile = new URL('../../jest.config.mjs', import.meta.url).href;
const { default: config } = (await import(configFile)) as JestConfig;

/** The layers of jest.config.mjs, in the order in which they run. */
export const layers: readonly Layer[] = config.projects.map(({ displayName, testMatch }) => ({
  name: displayName,
  folders: testMatch.map((pattern) => pattern.replace('<rootDir>/', '').replace('/**/*.test.ts', '')),
  usesHost: displayName !== 'fast',
  // Each integration test names what it makes on the machine so that no other one meets it; the rest makes images of the same names.
  workers: ['fast', 'integration'].includes(displayName) ? 2 : 1,
  besideNext: displayName === 'conformance',
}));

const isInside = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

/** Benchmarks run when they are named and not otherwise: their figures are for people. */
const isForPeople = ({ name }: Layer): boolean => name === 'bench';

/** The same layers, those together that run side by side. */
export const groupLayers = (selected: readonly Layer[]): readonly (readonly Layer[])[] => {
  const groups: Layer[][] = [];
  for (const layer of selected) {
    const open = groups.at(-1);
    if (open?.at(-1)?.besideNext) open.push(layer);
    else groups.push([layer]);
  }
  return groups;
};

/** The layers that have tests below one of the paths; all tests when there are no paths. */
export const selectLayers = (paths: readonly string[]): readonly Layer[] =>
  layers.filter((layer) => {
    if (paths.length === 0) return !isForPeople(layer);
    return paths.some((path) =>
      layer.folders.some((folder) => isInside(path, folder) || (!isForPeople(layer) && isInside(folder, path))),
    );
  });

/**
 * A path of the command line as a path of tests below the checkout: `test/lib/version`, or `lib/version` for short.
 *
 * @returns undefined when there is no such file or folder
 */
export const testPath = (word: string, root: string, cwd: string): string | undefined => {
  const path = relative(root, existsSync(resolve(cwd, word)) ? resolve(cwd, word) : resolve(root, word));
  if (path.startsWith('..')) return undefined;
  if (isInside(path, 'test')) return existsSync(join(root, path)) ? path : undefined;
  return existsSync(join(root, 'test', path)) ? join('test', path) : undefined;
};
