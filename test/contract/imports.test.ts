import { describe, expect, test } from '@jest/globals';
import { type Import, importsOf, sourceFiles } from './source-files.ts';

/** What everything may use; among themselves in this order, each only what is before it. */
const BASE = ['log', 'errors', 'process', 'config', 'git', 'html', 'tar'];

/** Which ability may use which other one. A new line here is a decision; docs/adr/ is the place for its reasons. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  // What programs outside may import; a thin front before the abilities.
  api: ['cache', 'container', 'dedup', 'report', 'signing', 'tree', 'version'],
  cache: ['signing'],
  // Which versions go is decided by the same rules as in retention. Exported and imported images have the engines' archive formats, which container reads and writes.
  'cache-tools': ['cache', 'container', 'dedup', 'retention', 'signing', 'version'],
  // Layers of images in the deduplicated store.
  container: ['cache', 'dedup'],
  dedup: ['cache'],
  glue: ['pipeline'],
  // It looks at everything that a step works with, in the way that the step does.
  doctor: ['cache', 'container', 'qemu', 'setup', 'signing', 'step', 'tree'],
  provenance: ['cache', 'signing', 'version'],
  release: ['cache', 'container'],
  // What it is made from.
  report: ['recording', 'version'],
  retention: ['cache', 'version'],
  setup: ['container'],
  tag: ['version'],
  testing: ['qemu'],
  // The reports as JUnit; uploads.
  'vendor-tests': ['cache', 'testing'],
  // The description of a tree names the parts that read it.
  tree: ['qemu', 'release', 'retention', 'testing', 'vendor-tests'],
  // What all steps have in common: it puts the abilities together.
  step: [
    'cache',
    'container',
    'dedup',
    'diagnosis',
    'patch',
    'provenance',
    'recording',
    'signing',
    'tag',
    'tree',
    'vendor-tests',
    'version',
  ],
};

const files = [...sourceFiles('lib/**/*.ts'), ...sourceFiles('ci-automation/**/*.ts')];
const imports = files.flatMap(importsOf);
const shown = ({ from, to }: Import): string => `${from} -> ${to}`;
const abilityOf = (path: string): string | undefined => /^lib\/([^/]+)\//.exec(path)?.[1];

test('the imports are found', () => {
  expect(imports.length).toBeGreaterThan(100);
});

test('nothing in lib imports a step', () => {
  expect(imports.filter(({ from, to }) => abilityOf(from) && !abilityOf(to)).map(shown)).toEqual([]);
});

/** The rule, for two different parts of lib. */
const isAllowed = (user: string, used: string): boolean => {
  if (BASE.includes(user)) return BASE.indexOf(used) !== -1 && BASE.indexOf(used) < BASE.indexOf(user);
  return BASE.includes(used) || (ALLOWED[user]?.includes(used) ?? false);
};

test('abilities import the base and what is allowed to them; the base imports no ability', () => {
  const wrong = imports.filter(({ from, to }) => {
    const [user, used] = [abilityOf(from), abilityOf(to)];
    return user !== undefined && used !== undefined && user !== used && !isAllowed(user, used);
  });
  expect(wrong.map(shown)).toEqual([]);
});

test('what is allowed is also needed', () => {
  const used = new Set(imports.map(({ from, to }) => `${abilityOf(from)} -> ${abilityOf(to)}`));
  const allowed = Object.entries(ALLOWED).flatMap(([user, abilities]) =>
    abilities.map((ability) => `${user} -> ${ability}`),
  );
  expect(allowed.filter((edge) => !used.has(edge))).toEqual([]);
});

describe('there is no loop', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  }

  /** Depth-first; the path that comes back to itself, or undefined. */
  const findLoop = (path: readonly string[], done: Set<string>): readonly string[] | undefined => {
    const file = path.at(-1) ?? '';
    if (done.has(file)) return undefined;
    for (const to of next.get(file) ?? []) {
      if (path.includes(to)) return [...path.slice(path.indexOf(to)), to];
      const loop = findLoop([...path, to], done);
      if (loop) return loop;
    }
    done.add(file);
    return undefined;
  };

  test('among the files', () => {
    const done = new Set<string>();
    expect(files.map(({ path }) => findLoop([path], done)).filter((loop) => loop !== undefined)).toEqual([]);
  });
});
