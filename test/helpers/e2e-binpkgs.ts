/**
 * Binary packages that the last run of the end-to-end tests built, so that the next one need not: what a CI keeps in its cache, a developer's
 * machine keeps here. Without it the tests take longer, nothing else.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { StoreEntry } from '../../skiff/sdk_lib/binpkg-store.ts';

const INDEX = 'index.json';

/** Where it is kept. */
export const warmStore = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway/e2e-binpkgs');

/** @param tree absolute path of a checkout of the OS tree @returns whether there was anything */
export const restoreBinaryPackages = (tree: string): boolean => {
  if (!existsSync(join(warmStore(), INDEX))) return false;
  cpSync(warmStore(), join(tree, '__build__/binpkgs'), { recursive: true });
  return true;
};

/** Keeps the newest build of each package. @param tree absolute path of a checkout that has built them */
export const keepBinaryPackages = (tree: string): void => {
  const source = join(tree, '__build__/binpkgs');
  const entries = JSON.parse(readFileSync(join(source, INDEX), 'utf8')) as StoreEntry[];
  const newest = [...new Map(entries.map((entry) => [entry.name, entry])).values()];
  const target = `${warmStore()}.${process.pid}`;
  mkdirSync(target, { recursive: true });
  for (const { file } of newest) cpSync(join(source, file), join(target, file));
  writeFileSync(join(target, INDEX), `${JSON.stringify(newest, null, 2)}\n`);
  rmSync(warmStore(), { recursive: true, force: true });
  renameSync(target, warmStore());
};
