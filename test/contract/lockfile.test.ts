import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from './source-files.ts';

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};

/** Whether `name` is found from `place` the way that Node looks for it. */
const isLocked = (place: string, name: string): boolean => {
  const parts = place.split('/node_modules/');
  return (
    parts.some((_part, at) => packages[`${parts.slice(0, at + 1).join('/node_modules/')}/node_modules/${name}`]) ||
    packages[`node_modules/${name}`] !== undefined
  );
};

test('has the packages of every platform, without which npm ci refuses it', () => {
  // npm leaves out the ones that a registry does not have at the time, and then "npm ci" says: Missing: … from lock file.
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => place !== '' && !isLocked(place, name)),
  );
  expect(missing).toEqual([]);
});

test('names no registry: it works with any', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
});
