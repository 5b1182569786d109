import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { FixtureWorld } from './fixture-world.ts';

/** Path below the world to what is there. */
export type Snapshot = Readonly<Record<string, string>>;

/** What a stand-in wrote down, and what the test asked of it; not part of what a step changes. */
const OWN = /^(calls|engine-calls|behave\/.*|hanging)$/;

/** The recordings of steps that began and failed; a log is no effect. */
const RECORDED = /^tree\/__build__(\/slipway(\/events(\/.*)?)?)?$/;

const describe = (file: string): string => {
  const stats = lstatSync(file);
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(file)}`;
  const mode = (stats.mode & 0o777).toString(8);
  return stats.isDirectory()
    ? `folder ${mode}`
    : `${mode} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
};

/** Everything in a world: tree with its .git, origin, cache, engine, home and temporary files. Two that are equal mean that nothing changed. */
export const snapshotOf = (world: FixtureWorld): Snapshot => {
  const paths = readdirSync(world.folder, { recursive: true, withFileTypes: true }).map((entry) =>
    relative(world.folder, join(entry.parentPath, entry.name)),
  );
  const kept = paths.filter((path) => !OWN.test(path) && !RECORDED.test(path)).sort();
  return Object.fromEntries(kept.map((path) => [path, describe(join(world.folder, path))]));
};
