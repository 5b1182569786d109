import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../contract/source-files.ts';
import { filesIn, openLocalWorld } from '../helpers/cache-tools-world.ts';
import { makeLayer, noise, publishSynthetic } from '../helpers/synthetic-image.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeFolder = useTempFolders();

interface End {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command outside of any OS tree, on a cache in a folder. */
const run = (dir: string, ...args: readonly string[]): End => {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const cwd = makeFolder();
  const env = { PATH, NODE_COMPILE_CACHE, HOME: cwd, BUILDCACHE_DIR: dir };
  const program = join(root, 'ci-automation/cache.ts');
  try {
    const stdout = execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return { exitCode: 0, stdout, stderr: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { exitCode: status, stdout, stderr };
  }
};

test('lists, measures, verifies and collects a cache, as text and as JSON; damage ends with 3, wrong use with 2', async () => {
  const { dir, store, tools } = openLocalWorld(makeFolder());
  const layers = [makeLayer({ a: noise('a', 50_000) })];
  await publishSynthetic(store, join(tools.temp, 'p'), { name: 'sdk', version: '1.0.0-a', layers });

  expect(run(dir, 'ls').stdout).toMatch(/^VERSION .*\n1\.0\.0-a .* containers {2}sdk:1\.0\.0-a\n$/);
  expect(JSON.parse(run(dir, 'du', '--json').stdout)).toMatchObject({ versions: [{ version: '1.0.0-a' }], faults: [] });
  expect(run(dir, 'verify', '--deep')).toMatchObject({ exitCode: 0 });

  await store.remove('containers/1.0.0-a');
  const before = filesIn(dir);
  const dry = JSON.parse(run(dir, 'gc', '--grace', '0', '--dry-run', '--json').stdout);
  expect(filesIn(dir)).toEqual(before);
  const real = JSON.parse(run(dir, 'gc', '--grace', '0', '--json').stdout);
  expect({ ...real, dryRun: true }).toEqual(dry);
  expect(real.deleted).toHaveLength(3);

  mkdirSync(join(dir, 'images'), { recursive: true });
  writeFileSync(join(dir, 'images/gone.DIGESTS'), '');
  expect(run(dir, 'verify')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('images/gone') });

  for (const wrong of [['mirror'], ['gc', '--deep']]) {
    expect({ wrong, exitCode: run(dir, ...wrong).exitCode }).toEqual({ wrong, exitCode: 2 });
  }
}, 60_000);
