import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { leftoversOf } from '../helpers/fixture-leftovers.ts';
import { BUILD, buildUpTo } from '../helpers/fixture-pipeline.ts';
import { errorIn, mustRun, runStep, type StepEnd } from '../helpers/fixture-step.ts';
import { useWorlds } from '../helpers/fixture-world.ts';
import { writeFileAt } from '../helpers/temp-files.ts';

const worlds = useWorlds();

/** A port of this machine on which nobody listens. */
const closedPort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const unreachable =
  /^error CACHE_UNREACHABLE: The cache server 127\.0\.0\.1\S* could not be reached to .+, after 6 tries: .*refused/;

/** As patient with the server as with one that restarts, and not more. */
const expectPatience = ({ exitCode, stderr, result }: StepEnd): void => {
  expect({ exitCode, code: result?.error?.code }).toEqual({ exitCode: 1, code: 'CACHE_UNREACHABLE' });
  expect(errorIn({ stderr })).toMatch(unreachable);
  expect(errorIn({ stderr })).toContain('Check BUILDCACHE_SERVER, BUILDCACHE_URL and BUILDCACHE_SSH_PORT');
};

// Both at the same time, because each of them waits for the server.
test('a cache server that is not there is named, with the number of tries, when reading and when publishing', async () => {
  const port = await closedPort();
  const world = worlds.fresh();
  const key = writeFileAt(join(world.folder, 'known_hosts'), '');
  const remote = {
    BUILDCACHE_SERVER: '127.0.0.1',
    BUILDCACHE_URL: `https://127.0.0.1:${port}`,
    BUILDCACHE_SSH_PORT: String(port),
    BUILDCACHE_KNOWN_HOSTS: key,
  };
  const publishing = worlds.copyOf(world);
  await buildUpTo(world, 'packages');
  const [read, published] = await Promise.all([
    runStep(world, 'image', ['amd64'], { env: remote }),
    runStep(publishing, 'sdk_bootstrap', ['debian', BUILD.tag], { env: remote }),
  ]);
  expectPatience(read);
  expect(read.stderr.match(/trying again in/g)).toHaveLength(10);
  expect(read.stderr).toContain(`127.0.0.1:${port}`);
  expectPatience(published);
  expect(leftoversOf(publishing)).toEqual([]);
  // What was built is still there: with the right server the step goes on where it was.
  const { result } = await mustRun(publishing, 'sdk_bootstrap', ['debian', BUILD.tag]);
  expect(result?.summary).toMatchObject({ version: BUILD.tag });
}, 90_000);
