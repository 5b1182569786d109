/** Builds published with the step scripts, and built again with nothing but git and the cache; steps, git, cache and images are real, the engine is a stand-in. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { BUILD, buildUpTo } from '../helpers/fixture-pipeline.ts';
import { type FixtureWorld, useWorlds } from '../helpers/fixture-world.ts';
import { runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { snapshotOf } from '../helpers/fixture-snapshot.ts';

jest.setTimeout(300_000);
const worlds = useWorlds();
let published: FixtureWorld;

beforeAll(async () => {
  published = worlds.fresh();
  await buildUpTo(published, 'vms');
});

const reproduce = (world: FixtureWorld, ...args: string[]): Promise<StepEnd> =>
  runStep(world, 'reproduce', args, { cwd: world.folder, env: { SLIPWAY_CACHE_DIR: join(world.folder, 'slipway'), SLIPWAY_NO_INSTALL: '1' } });

test('x', async () => {
  const world = worlds.copyOf(published);
  const end = await reproduce(world, BUILD.tag, `--repository=${world.origin}`);
  process.stderr.write(`${end.exitCode}\n${end.stderr}\n${end.stdout}`);
  expect(existsSync(world.cache)).toBe(true);
});
