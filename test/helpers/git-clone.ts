import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createGit, type Git } from '../../lib/git/index.ts';
import { createRunner, type Runner } from '../../lib/process/index.ts';

/** A clone of a test's origin, with the helper under test and with plain git for arranging and checking. */
export interface TestClone {
  /** Absolute path. */
  readonly folder: string;
  readonly git: Git;
  readonly runner: Runner;
  /** Runs git for the test; gives its standard output. */
  run(...args: string[]): Promise<string>;
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Commits everything in the working tree as somebody; gives the commit. */
  commitAll(subject: string): Promise<string>;
  /** What a failed attempt must leave as it was: HEAD, refs, index and files; as one text. */
  state(): Promise<string>;
}

/** A bare origin and clones of it in a temporary folder, away from the user's own git settings. */
export interface TestOrigin {
  /** Absolute path of the bare repository. */
  readonly folder: string;
  clone(): Promise<TestClone>;
  /** Refs of the origin: full name to object. */
  refs(): Promise<Record<string, string>>;
  /** Installs a hook. @param script shell text without the first line */
  hook(name: string, script: string): Promise<void>;
  remove(): Promise<void>;
}

/** An environment in which git knows nobody and reads no settings but the repository's. @param home absolute path */
export const gitTestEnv = (home: string): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  HOME: home,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  // No housekeeping in the background: it costs time, and a folder that is being removed should hold still.
  GIT_CONFIG_COUNT: '3',
  GIT_CONFIG_KEY_0: 'gc.auto',
  GIT_CONFIG_VALUE_0: '0',
  GIT_CONFIG_KEY_1: 'maintenance.auto',
  GIT_CONFIG_VALUE_1: 'false',
  GIT_CONFIG_KEY_2: 'receive.autogc',
  GIT_CONFIG_VALUE_2: 'false',
  LC_ALL: 'C',
});

const SOMEBODY = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

/** A clone that is there already. @param folder absolute path; so are those in `env` */
export const openClone = (folder: string, env: Record<string, string | undefined>): TestClone => {
  const runner = createRunner({ cwd: folder, env });
  const run = async (...args: string[]): Promise<string> =>
    (await runner.run(['git', ...args], { stdout: 'capture' })).stdout;
  return {
    folder,
    runner,
    run,
    git: createGit({ query: runner, effects: runner, cwd: folder }),
    async write(path, text) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    },
    read: (path) => readFile(join(folder, path), 'utf8'),
    async commitAll(subject) {
      await run('add', '--all');
      await run(...SOMEBODY, 'commit', '--quiet', '--allow-empty', '-m', subject);
      return run('rev-parse', 'HEAD');
    },
    async state() {
      const parts = await Promise.all([
        run('status', '--porcelain=v2', '--branch', '--no-ahead-behind'),
        run('for-each-ref', 'refs/heads', 'refs/tags'),
        run('diff'),
      ]);
      return parts.join('\n---\n');
    },
  };
};

/** A prepared origin, from which each test gets its own copy: copying is much quicker than running git. */
export interface OriginTemplate {
  copy(): Promise<TestOrigin>;
  remove(): Promise<void>;
}

/** An origin that is there already. @param root absolute path of the folder that has `origin.git`, and `clone` for new clones */
export const openOrigin = (root: string): TestOrigin => {
  const folder = join(root, 'origin.git');
  let clones = 0;
  return {
    folder,
    async clone() {
      clones += 1;
      const target = join(root, `clone-${clones}`);
      await cp(join(root, 'clone'), target, { recursive: true });
      const opened = openClone(target, gitTestEnv(root));
      // The copy is of a clone of the template; it has to know what the origin has got since.
      if (clones > 1) {
        await opened.run('fetch', '--quiet', '--tags');
        await opened.run('reset', '--quiet', '--hard', 'origin/main');
      }
      return opened;
    },
    async refs() {
      // Read from the files: nothing is packed here, and it is asked often.
      const entries = await readdir(join(folder, 'refs'), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const values = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      return Object.fromEntries(files.map((file, at) => [relative(folder, file), values[at]?.trim() ?? '']));
    },
    async hook(name, script) {
      await mkdir(join(folder, 'hooks'), { recursive: true });
      await writeFile(join(folder, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
};

/**
 * Prepares a bare origin with the given files on its branches.
 *
 * @param branches `main` is always there
 */
export const makeOriginTemplate = async (
  files: Readonly<Record<string, string>>,
  branches: readonly string[] = [],
): Promise<OriginTemplate> => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-git-'));
  const runner = createRunner({ cwd: root, env: gitTestEnv(root) });
  const init = ['init', '--quiet', '--template=', '--initial-branch=main'];
  await runner.run(['git', ...init, '--bare', 'origin.git']);
  await runner.run(['git', ...init, 'clone']);
  const clone = openClone(join(root, 'clone'), gitTestEnv(root));
  for (const [path, text] of Object.entries(files)) await clone.write(path, text);
  await clone.commitAll('Initial');
  // Relative, so that a copy of the whole is a whole again.
  await clone.run('remote', 'add', 'origin', '../origin.git');
  await clone.run('push', '--quiet', '--set-upstream', 'origin', 'main', ...branches.map((branch) => `main:${branch}`));
  return {
    async copy() {
      const target = await mkdtemp(join(tmpdir(), 'slipway-git-'));
      await cp(root, target, { recursive: true });
      return openOrigin(target);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
};
