import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type CacheStore, createStore } from '../../lib/cache/index.ts';
import type { CacheTools } from '../../lib/cache-tools/types.ts';
import { noFetchedBytes, parseManifest, readLayer } from '../../lib/dedup/index.ts';
import { silentLog } from '../../lib/log/index.ts';
import type { Runner } from '../../lib/process/index.ts';

/** A cache in a folder, with tools on it. */
export interface LocalWorld {
  readonly dir: string;
  readonly store: CacheStore;
  readonly tools: CacheTools;
}

const noRunner = {} as Runner;

/** @param folder absolute, own and empty */
export const openLocalWorld = (folder: string): LocalWorld => {
  const dir = join(folder, 'cache');
  const temp = join(folder, 'temp');
  for (const one of [dir, temp]) mkdirSync(one, { recursive: true });
  const store = createStore({ user: '', pathPrefix: '/', dir }, { runner: noRunner });
  return { dir, store, tools: { store, localDir: dir, temp, log: silentLog } };
};

/** All files with their sizes, without the staging folder. */
export const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .filter((path) => !path.startsWith('.staging'))
    .sort();

/** Makes files look as old as if they had been published some days ago. */
export const age = (dir: string, days: number, isWanted: (path: string) => boolean = () => true): void => {
  const seconds = Date.now() / 1000 - days * 24 * 3600;
  for (const path of filesIn(dir).filter(isWanted)) utimesSync(join(dir, path), seconds, seconds);
};

/** Rebuilds an image from the store and compares every layer. Throws when something of it is missing or wrong. */
export const readImage = async (store: CacheStore, name: string, version: string): Promise<number> => {
  const path = `containers/${version}/${name}-${version}.image.json`;
  const text = await store.readText(path);
  if (text === undefined) throw new Error(`no ${path}`);
  let bytes = 0;
  for (const layer of parseManifest(text, path, { name, version }).layers) {
    for await (const part of readLayer({ store, log: silentLog }, layer, noFetchedBytes())) bytes += part.length;
  }
  return bytes;
};

export const sha256OfFile = (file: string): string => hash('sha256', readFileSync(file), 'hex');
