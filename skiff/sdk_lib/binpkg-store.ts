import fs from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from './hash.ts';
import { log } from './log.ts';
import { describeChanges, type KeyInputs } from './recipe-key.ts';
import { treeDir } from './tree.ts';

/** One binary package of the store. */
export interface StoreEntry {
  name: string;
  version: string;
  /** identity of everything that went into it, 64 hex */
  key: string;
  /** file name in the store's folder */
  file: string;
  sha256: string;
  sizeBytes: number;
  /** OS version whose build made it */
  builtBy: string;
  /** what went into it, to say later why something else had to be built */
  inputs?: KeyInputs;
}

/**
 * Binary packages of earlier builds, __build__/binpkgs in the checkout: the packages step fills it from the artifact
 * cache before a build, and publishes what is new afterwards.
 */
export interface Store {
  dir: string;
  entries: StoreEntry[];
}

/** Opens the store; a missing or unreadable index is an empty store. */
export async function openStore(): Promise<Store> {
  const dir = path.join(treeDir, '__build__/binpkgs');
  await fs.mkdir(dir, { recursive: true });
  const text = await fs.readFile(path.join(dir, 'index.json'), 'utf8').catch(() => '[]');
  try {
    return { dir, entries: JSON.parse(text) as StoreEntry[] };
  } catch {
    log(`${path.join(dir, 'index.json')} is not readable JSON: taking the store as empty`);
    return { dir, entries: [] };
  }
}

/** @returns entry with this key whose file is there and has the digest of the index */
export async function findEntry(store: Store, name: string, key: string): Promise<StoreEntry | undefined> {
  for (const entry of store.entries.filter((known) => known.name === name && known.key === key)) {
    const file = path.join(store.dir, path.basename(entry.file));
    const actual = await hashFile(file).catch(() => undefined);
    if (actual === entry.sha256) return entry;
    const seen = actual ? `has sha256 ${actual}` : 'is missing';
    log(`${name}: ${entry.file} ${seen}, expected ${entry.sha256}; not using it`);
  }
  return undefined;
}

/**
 * Says why a package has to be built: what changed since the newest known build of it.
 * @param key key of `inputs`
 */
export function explainMiss(store: Store, name: string, key: string, inputs: KeyInputs): string {
  const known = store.entries.filter((entry) => entry.name === name);
  const same = known.find((entry) => entry.key === key);
  if (same) return `the one that ${same.builtBy} built is damaged in the store`;
  const last = known.at(-1);
  if (!last) return 'not in the store';
  if (!last.inputs) return `its inputs changed since ${last.builtBy}`;
  const changes = describeChanges(last.inputs, inputs);
  const shown = changes.slice(0, 3).join(', ') + (changes.length > 3 ? ` and ${changes.length - 3} more` : '');
  return `${shown} since ${last.builtBy}`;
}

/**
 * Adds a package to the store; a reader of the folder never sees half of a file.
 * @param deb absolute path of the .deb
 */
export async function addEntry(
  store: Store,
  deb: string,
  entry: Pick<StoreEntry, 'name' | 'version' | 'key' | 'builtBy' | 'inputs'>,
): Promise<StoreEntry> {
  const file = `${entry.name}_${entry.key}.deb`;
  const target = path.join(store.dir, file);
  await fs.copyFile(deb, `${target}.tmp`);
  await fs.rename(`${target}.tmp`, target);
  const { size } = await fs.stat(target);
  const added: StoreEntry = { ...entry, file, sha256: await hashFile(target), sizeBytes: size };
  store.entries = [...store.entries.filter((known) => known.file !== file), added];
  const index = path.join(store.dir, 'index.json');
  await fs.writeFile(`${index}.tmp`, `${JSON.stringify(store.entries, null, 2)}\n`);
  await fs.rename(`${index}.tmp`, index);
  return added;
}
