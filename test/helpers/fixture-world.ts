import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { gitTestEnv } from './git-clone.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

/** An OS tree with its origin, an artifact cache and a container engine, all in one temporary folder; see test/fixtures/README.md. */
export interface FixtureWorld {
  /** Absolute path; so are the others. */
  readonly folder: string;
  /** A clone of the origin; steps run here. */
  readonly tree: string;
  /** The bare repository. */
  readonly origin: string;
  /** Folder of the artifact cache. */
  readonly cache: string;
  /** `TMPDIR` of the steps. */
  readonly temp: string;
  /** The whole environment of the steps. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs git in the tree; gives its standard output without the last line end. */
  git(...args: string[]): string;
  /** Writes a file of the tree. */
  write(path: string, text: string): void;
  /** Reads a text file below `folder`; empty when there is none. */
  read(path: string): string;
  /**
   * Makes a stand-in fail, hang and so on.
   *
   * @param name for example `build_packages`, `engine-save` or `image_to_vm.sh-azure`
   * @param how a word of test/fixtures/README.md; undefined: end well again
   */
  behave(name: string, how: string | undefined): void;
  /** Where the engine says that it keeps its images. @param folder absolute path */
  setEngineRoot(folder: string): void;
  /** Frees what earlier steps left for `ci-cleanup.sh`. */
  removeContainers(): void;
  /** How entry points of the tree were called since the last time this was asked, in order: name and arguments. */
  takeCalls(): string[][];
}

/** Makes worlds and removes them after the tests of the file. */
export interface WorldMaker {
  /** A world with a fresh tree: one commit on `main`, version 0.0.0, nothing in the cache. */
  fresh(): FixtureWorld;
  /** A copy of all that is in a world; the two are independent. */
  copyOf(world: FixtureWorld): FixtureWorld;
}

/** Steps start in half the time with it, and a world has a HOME of its own, where it would be empty. */
const compileCache = (): string =>
  process.env.NODE_COMPILE_CACHE ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway/node-compile-cache');

const openWorld = (folder: string): FixtureWorld => {
  const at = (...names: string[]): string => join(folder, ...names);
  const env = {
    ...gitTestEnv(at('home')),
    FIXTURE_DIR: folder,
    NODE_COMPILE_CACHE: compileCache(),
    TMPDIR: at('tmp'),
    BUILDCACHE_DIR: at('cache'),
    // The stand-in engine has no layers.
    BUILDCACHE_LAYOUT: 'flat',
    docker: join(FIXTURES, 'engine.sh'),
  };
  const read = (path: string): string => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : '');
  return {
    folder,
    tree: at('tree'),
    origin: at('origin.git'),
    cache: at('cache'),
    temp: at('tmp'),
    env,
    read,
    git: (...args) => execFileSync('git', args, { cwd: at('tree'), env, encoding: 'utf8' }).trimEnd(),
    write: (path, text) => writeFileSync(at('tree', path), text),
    behave(name, how) {
      if (how === undefined) rmSync(at('behave', name), { force: true });
      else writeFileSync(at('behave', name), `${how}\n`);
    },
    setEngineRoot: (root) => writeFileSync(at('engine/root-dir'), `${root}\n`),
    removeContainers() {
      rmSync(at('engine/containers'), { recursive: true });
      mkdirSync(at('engine/containers'));
    },
    takeCalls() {
      const lines = read('calls').split('\n').filter(Boolean);
      rmSync(at('calls'), { force: true });
      return lines.map((line) => line.split('\t').slice(0, -1));
    },
  };
};

const makeFresh = (folder: string): FixtureWorld => {
  const names = ['home', 'tmp', 'behave', 'engine/images', 'engine/files', 'engine/containers'];
  for (const name of names) mkdirSync(join(folder, name), { recursive: true });
  cpSync(join(FIXTURES, 'tree'), join(folder, 'tree'), { recursive: true });
  const world = openWorld(folder);
  const init = ['init', '--quiet', '--template=', '--initial-branch=main'];
  world.git(...init, '--bare', '../origin.git');
  world.git(...init);
  world.git('add', '--all');
  world.git('-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', 'commit', '--quiet', '-m', 'Initial');
  // Relative, so that a copy of the whole world is a whole again.
  world.git('remote', 'add', 'origin', '../origin.git');
  world.git('push', '--quiet', '--set-upstream', 'origin', 'main');
  return world;
};

/** Call once per test file: gives a maker of worlds. */
export const useWorlds = (): WorldMaker => {
  const folders: string[] = [];
  const makeFolder = (): string => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'slipway-world-'));
    folders.push(folder);
    return folder;
  };
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    fresh: () => makeFresh(makeFolder()),
    copyOf(world) {
      const folder = makeFolder();
      cpSync(world.folder, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      return openWorld(folder);
    },
  };
};
