import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ReproducePlan } from '../../ci-automation/reproduce/plan.ts';
import { checkOutTree, cloneOrigin, hasSources } from '../../ci-automation/reproduce/source.ts';
import { foldersOf } from '../../ci-automation/reproduce/workspace.ts';
import { createRunner } from '../../lib/process/index.ts';
import { gitTestEnv } from '../helpers/git-clone.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeTemp = useTempFolders();

const OPTIONS = ['protocol.file.allow=always', 'user.name=Somebody', 'user.email=somebody@example.org'].flatMap(
  (one) => ['-c', one],
);

const TAGS = ['main-1.0.0', 'main-1.0.1'] as const;

/** A server with a tree of two tags, whose submodule is beside it and is another commit at each. */
const makeServer = (withSubmodule: boolean) => {
  const folder = makeTemp();
  mkdirSync(join(folder, 'home'));
  const env = { ...process.env, ...gitTestEnv(join(folder, 'home')) };
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', [...OPTIONS, ...args], {
      cwd: join(folder, cwd),
      env,
      encoding: 'utf8',
    });
  const commit = (cwd: string, text: string): void => {
    writeFileSync(join(folder, cwd, 'file'), text);
    git(cwd, 'add', '--all');
    git(cwd, 'commit', '--quiet', '--message', text);
  };
  for (const name of ['overlay', 'tree']) {
    git('.', 'init', '--quiet', '--bare', '--initial-branch', 'main', `server/${name}.git`);
    git('.', 'clone', '--quiet', `server/${name}.git`, name);
    commit(name, `${name} 0`);
    git(name, 'push', '--quiet', 'origin', 'HEAD:main');
  }
  if (withSubmodule) git('tree', 'submodule', '--quiet', 'add', '../overlay.git', 'sdk/overlay');
  const commits = TAGS.map((tag) => {
    commit('overlay', `overlay of ${tag}`);
    git('overlay', 'push', '--quiet', 'origin', 'HEAD:main');
    if (withSubmodule) git('tree', 'submodule', '--quiet', 'update', '--remote');
    commit('tree', `tree of ${tag}`);
    git('tree', 'tag', tag);
    git('tree', 'push', '--quiet', 'origin', tag);
    return git('tree', 'rev-parse', 'HEAD').trim();
  });
  const runs = TAGS.map((tag, at) => ({ tag, commit: commits[at], url: '' }));
  const plan = { version: '1.0.0', runs } as unknown as ReproducePlan;
  const folders = foldersOf(join(folder, 'cache'), '1.0.0');
  const search = { named: join(folder, 'server/tree.git'), cwd: folder, nightlyOrigins: [] };
  return { folder, plan, folders, search, runner: createRunner({ cwd: folder, env }) };
};

let world: ReturnType<typeof makeServer>;

describe('a tree with a submodule', () => {
  beforeEach(async () => {
    world = makeServer(true);
    const { runner, search, plan, folders } = world;
    await cloneOrigin(runner, search, plan, folders);
  });

  test('is checked out with what each tag records, without its server', async () => {
    const { folder, runner, folders, plan } = world;
    rmSync(join(folder, 'server'), { recursive: true });
    expect(await hasSources(runner, folders, plan)).toBe(true);
    for (const tag of TAGS) {
      const tree = join(folder, 'out', tag);
      await checkOutTree(runner, folders, tag, tree);
      expect(readFileSync(join(tree, 'file'), 'utf8')).toBe(`tree of ${tag}`);
      expect(readFileSync(join(tree, 'sdk/overlay/file'), 'utf8')).toBe(`overlay of ${tag}`);
    }
  });

  test('has its sources only as long as the submodule is there', async () => {
    const { runner, folders, plan } = world;
    rmSync(join(folders.modules, '.git/modules'), { recursive: true });
    expect(await hasSources(runner, folders, plan)).toBe(false);
  });
});

test('a tree without submodules', async () => {
  world = makeServer(false);
  const { folder, runner, search, plan, folders } = world;
  await cloneOrigin(runner, search, plan, folders);
  expect(await hasSources(runner, folders, plan)).toBe(true);
  await checkOutTree(runner, folders, TAGS[0], join(folder, 'out'));
  expect(readFileSync(join(folder, 'out/file'), 'utf8')).toBe('tree of main-1.0.0');
});
