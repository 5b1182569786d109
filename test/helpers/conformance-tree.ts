import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitTestEnv } from './git-clone.ts';

const SMALL_TREE = join(import.meta.dirname, '..', 'conformance', 'tree');

/** A checkout of flatcar/scripts, for the tests that run the original; undefined: they are skipped. */
export const originalTree = (): string | undefined => process.env.SLIPWAY_FLATCAR_TREE || undefined;

/**
 * `small`: test/conformance/tree. `small-original`: the same with the original's steps in it. `flatcar`: a clone of the original with the stand-ins in
 * the place of its heavy entry points. The last two need `SLIPWAY_FLATCAR_TREE`.
 */
export type TreeKind = 'small' | 'small-original' | 'flatcar';

/** The folders of the original that the steps read; nothing else is checked out, so that a world is made in no time. */
const ORIGINAL_FOLDERS = [
  'ci-automation',
  'sdk_lib',
  'build_library',
  'sdk_container/.repo',
  'sdk_container/src/third_party/coreos-overlay/coreos-base',
];

/** What of the original goes into the small tree. */
const ORIGINAL_STEPS = ['ci-automation', 'sdk_lib/sdk_container_common.sh', 'build_library/oem_sysexts.sh'];

/** What of the small tree goes into the original. */
const STAND_INS = [
  'conformance_lib',
  'run_sdk_container',
  'bootstrap_sdk_container',
  'bootstrap_sdk',
  'build_sdk_container_image',
  'build_packages',
  'set_official',
  'build_image',
  'image_to_vm.sh',
  'build_dev_binpkgs',
];

/** Commits of two worlds are the same commits. */
export const FIXED_DATES = {
  GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
  GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
};

const SOMEBODY = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

const gitIn = (cwd: string) => {
  const env = { ...gitTestEnv(cwd), ...FIXED_DATES };
  return (...args: string[]): void => {
    execFileSync('git', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  };
};

/** Where the world's cache is, as the tree's settings file is to say. */
interface CachePlace {
  readonly cache: string;
  readonly user: string;
}

const editSettings = (tree: string, { cache, user }: CachePlace): void => {
  const file = join(tree, 'ci-automation', 'ci-config.env');
  const text = readFileSync(file, 'utf8')
    .replace(/^BUILDCACHE_SERVER=.*$/m, 'BUILDCACHE_SERVER="${BUILDCACHE_SERVER:-localhost}"')
    .replace(/^BUILDCACHE_PATH_PREFIX=.*$/m, `BUILDCACHE_PATH_PREFIX="${cache}"`)
    .replace(/^BUILDCACHE_USER=.*$/m, `BUILDCACHE_USER="${user}"`);
  writeFileSync(file, text);
};

const copyInto = (from: string, to: string, names: readonly string[]): void => {
  for (const name of names) cpSync(join(from, name), join(to, name), { recursive: true, force: true });
};

const cloneOriginal = (original: string, folder: string): void => {
  const git = gitIn(folder);
  git('clone', '--quiet', '--shared', '--bare', original, 'origin.git');
  gitIn(join(folder, 'origin.git'))('update-ref', 'refs/heads/main', 'HEAD');
  git('clone', '--quiet', '--shared', '--no-checkout', '--branch', 'main', './origin.git', 'tree');
  const inTree = gitIn(join(folder, 'tree'));
  inTree('sparse-checkout', 'set', '--cone', ...ORIGINAL_FOLDERS);
  inTree('checkout', '--quiet', 'main');
};

/** Makes `origin.git` and its clone `tree` in a folder, with a branch `main` and for packages nightlies `flatcar-MAJOR`. */
export const makeTree = (kind: TreeKind, folder: string, place: CachePlace): void => {
  const original = originalTree() ?? '';
  const tree = join(folder, 'tree');
  const init = ['init', '--quiet', '--template=', '--initial-branch=main'];
  if (kind === 'flatcar') {
    cloneOriginal(original, folder);
    copyInto(SMALL_TREE, tree, STAND_INS);
  } else {
    gitIn(folder)(...init, '--bare', 'origin.git');
    cpSync(SMALL_TREE, tree, { recursive: true });
    gitIn(tree)(...init);
    if (kind === 'small-original') copyInto(original, tree, ORIGINAL_STEPS);
  }
  editSettings(tree, place);
  const git = gitIn(tree);
  git('add', '--all', '--sparse');
  git(...SOMEBODY, 'commit', '--quiet', '--allow-empty', '-m', 'Stand-ins for the tests');
  if (kind !== 'flatcar') git('remote', 'add', 'origin', '../origin.git');
  else git('remote', 'set-url', 'origin', '../origin.git');
  if (kind === 'flatcar') writeFileSync(join(folder, 'sparse'), `${ORIGINAL_FOLDERS.join('\n')}\nconformance_lib\n`);
  git('push', '--quiet', '--set-upstream', 'origin', 'main', 'main:flatcar-9000');
  git('fetch', '--quiet', 'origin');
  for (const name of ['cache', 'mirror', 'home', 'tmp', 'behave', 'registry']) mkdirSync(join(folder, name));
};
