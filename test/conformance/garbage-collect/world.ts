import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gitTestEnv } from '../../helpers/git-clone.ts';
import type { TestSshd } from '../../helpers/sshd.ts';
import { writeFileAt } from '../../helpers/temp-files.ts';

const SLIPWAY = join(import.meta.dirname, '..', '..', '..');

/** A tag to make. */
export interface WorldTag {
  readonly name: string;
  readonly daysOld: number;
}

/** A clone of an OS tree with its origin, and a cache on a real sshd; all in one folder, so that a copy is another world. */
export interface World {
  readonly folder: string;
  readonly tree: string;
  readonly cache: string;
  /** Files of the cache, sorted, without what Slipway keeps for itself there. */
  files(): string[];
  /** Tags on the remote, sorted. */
  remoteTags(): string[];
  /** What a dry run must leave as it is: all files of the clone and of the cache with their content. */
  state(): Record<string, string>;
  /** Calls of the stand-ins for docker and curl. */
  calls(): string;
}

/** How a program ended. */
export interface End {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const openWorld = (folder: string): World => {
  const at = (...names: string[]): string => join(folder, ...names);
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: at('tree'), env: gitTestEnv(folder), encoding: 'utf8' });
  return {
    folder,
    tree: at('tree'),
    cache: at('cache'),
    files: () => filesBelow(at('cache')).filter((path) => !path.startsWith('.staging/')),
    remoteTags: () =>
      git('ls-remote', '--refs', '--tags', 'origin')
        .split('\n')
        .filter(Boolean)
        .map((line) => line.replace(/^.*refs\/tags\//, ''))
        .sort(),
    state: () =>
      Object.fromEntries(
        ['tree', 'cache', 'origin.git'].flatMap((part) =>
          filesBelow(at(part)).map((path) => [`${part}/${path}`, readFileSync(at(part, path), 'latin1')]),
        ),
      ),
    calls: () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8') : ''),
  };
};

/** Stand-ins for what the original and ours run; they write down their calls. */
const writePrograms = (folder: string, sshd: TestSshd): void => {
  const program = (name: string, text: string): void => {
    writeFileAt(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
    execFileSync('chmod', ['+x', join(folder, 'bin', name)]);
  };
  program('ssh', `exec /usr/bin/ssh -q -p ${sshd.port} -i ${sshd.clientKey} "$@"`);
  program('docker', 'echo "docker $*" >> "$GARBAGE_WORLD/calls"');
  program(
    'curl',
    'echo "curl $*" >> "$GARBAGE_WORLD/calls"\ncase "$*" in *json*) cat "$GARBAGE_WORLD/releases.json";; esac',
  );
};

/**
 * Makes a world.
 *
 * @param source absolute path of a git repository whose files the tree has
 * @param artifacts cache paths
 */
export const makeWorld = (
  folder: string,
  source: string,
  sshd: TestSshd,
  {
    tags,
    artifacts,
    releases,
  }: { tags: readonly WorldTag[]; artifacts: readonly string[]; releases: readonly string[] },
): World => {
  const tree = join(folder, 'tree');
  const env = gitTestEnv(folder);
  const git = (args: string[], more: Record<string, string> = {}): void => {
    const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];
    execFileSync('git', [...who, ...args], {
      cwd: tree,
      env: { ...env, ...more },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  };
  mkdirSync(tree, { recursive: true });
  execFileSync('sh', ['-c', 'git -C "$0" archive HEAD | tar -xC "$1"', source, tree]);
  for (const path of ['ci-automation/ci-config.env']) {
    const file = join(tree, path);
    const text = readFileSync(file, 'utf8')
      .replace(/^BUILDCACHE_PATH_PREFIX=.*$/m, 'BUILDCACHE_PATH_PREFIX="$GARBAGE_WORLD/cache"')
      .replace(/^BUILDCACHE_USER=.*$/m, `BUILDCACHE_USER="${sshd.user}"`)
      .replace(/^RELEASES_JSON_FEED=.*$/m, 'RELEASES_JSON_FEED="file://$GARBAGE_WORLD/releases.json"');
    writeFileSync(file, text);
  }
  git(['init', '--quiet', '--template=', '--initial-branch=main']);
  git(['init', '--quiet', '--template=', '--initial-branch=main', '--bare', '../origin.git']);
  git(['remote', 'add', 'origin', '../origin.git']);
  git(['add', '--all']);
  git(['commit', '--quiet', '-m', 'Tree']);
  git(['push', '--quiet', '--set-upstream', 'origin', 'main']);
  for (const { name, daysOld } of tags) {
    const version = name.replace(/^[a-z]+-/, '').replace(/^([\d.]+)-/, '$1+');
    const text = `FLATCAR_VERSION=${version}\nFLATCAR_VERSION_ID=${version.replace(/\+.*/, '')}\nFLATCAR_BUILD_ID="x"\nFLATCAR_SDK_VERSION=${version}\n`;
    writeFileAt(join(tree, 'sdk_container/.repo/manifests/version.txt'), text);
    const date = new Date(Date.now() - daysOld * 24 * 60 * 60 * 1000).toISOString();
    git(['commit', '--quiet', '--all', '-m', name], { GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date });
    git(['tag', name]);
    git(['push', '--quiet', 'origin', `refs/tags/${name}`]);
    git(['reset', '--quiet', '--hard', 'origin/main']);
  }
  for (const path of artifacts) writeFileAt(join(folder, 'cache', path), path);
  writeFileAt(join(folder, 'releases.json'), JSON.stringify(Object.fromEntries(releases.map((name) => [name, {}]))));
  writePrograms(folder, sshd);
  return openWorld(folder);
};

/** A copy of a world that has nothing to do with it. @param folder absolute path, not there yet */
export const copyWorld = ({ folder }: World, target: string): World => {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(folder, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return openWorld(target);
};

/** Runs the step script as a CI does. @param env added; a PATH given here is the whole */
export const runOurs = (
  world: World,
  sshd: TestSshd,
  args: readonly string[],
  env: Record<string, string> = {},
  step = 'garbage_collect',
): Promise<End> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(join(SLIPWAY, 'ci-automation', `${step}.ts`), args, {
      cwd: world.tree,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...gitTestEnv(world.folder),
        PATH: `${world.folder}/bin:${process.env.PATH}`,
        GARBAGE_WORLD: world.folder,
        BUILDCACHE_SERVER: sshd.host,
        BUILDCACHE_USER: sshd.user,
        BUILDCACHE_PATH_PREFIX: world.cache,
        BUILDCACHE_SSH_PORT: String(sshd.port),
        BUILDCACHE_SSH_KEY: sshd.clientKey,
        BUILDCACHE_KNOWN_HOSTS: sshd.knownHosts,
        RELEASES_JSON_FEED: `file://${world.folder}/releases.json`,
        ...env,
      },
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (more: string) => {
        text[name] += more;
      });
    }
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, ...text }));
  });

/** Sources the tree's own collector and calls it. */
export const runOriginal = (
  world: World,
  sshd: TestSshd,
  args: readonly string[],
  env: Record<string, string> = {},
): End => {
  const call = 'source ci-automation/garbage_collect.sh; garbage_collect "$@"';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', call, 'bash', ...args], {
    cwd: world.tree,
    encoding: 'utf8',
    env: {
      ...gitTestEnv(world.folder),
      PATH: `${world.folder}/bin:${process.env.PATH}`,
      GARBAGE_WORLD: world.folder,
      BUILDCACHE_SERVER: sshd.host,
      ...env,
    },
  });
  return { exitCode: status, stdout, stderr };
};
