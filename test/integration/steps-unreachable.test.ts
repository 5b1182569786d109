import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
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
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const unreachable =
  /^error CACHE_UNREACHABLE: The cache server 127\.0\.0\.1\S* could not be reached to .+, after 6 tries: .*refused/;

/** As patient with the server as with one that restarts, and not more. */
const expectPatience = ({ exitCode, stderr }: StepEnd): void => {
  expect(exitCode).toBe(1);
  expect(errorIn({ stderr })).toMatch(unreachable);
  expect(errorIn({ stderr })).toContain('Check BUILDCACHE_SERVER, BUILDCACHE_URL and BUILDCACHE_SSH_PORT');
};

/** Settings of a cache server that is not there. */
const goneServer = async (folder: string): Promise<Record<string, string>> => {
  const port = String(await closedPort());
  return {
    BUILDCACHE_SERVER: '127.0.0.1',
    BUILDCACHE_URL: `https://127.0.0.1:${port}`,
    BUILDCACHE_SSH_PORT: port,
    BUILDCACHE_KNOWN_HOSTS: writeFileAt(join(folder, 'known_hosts'), ''),
  };
};

// All at the same time, because each of them waits for the server.
test('a cache server that is not there is named, with the number of tries, before anything is built and when publishing', async () => {
  const world = worlds.fresh();
  const env = await goneServer(world.folder);
  const [asking, publishing] = [worlds.copyOf(world), worlds.copyOf(world)];
  await buildUpTo(world, 'packages');
  const [mirrored, planning] = [worlds.copyOf(world), worlds.copyOf(world)];
  world.takeCalls();
  let askedOfMirror = 0;
  const mirror = createWebServer((_request, response) => {
    askedOfMirror += 1;
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
  const mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  const bootstrap = ['debian', BUILD.tag];
  const [early, withMirror, planned, first, published] = await Promise.all([
    runStep(world, 'image', ['amd64'], { env }),
    runStep(mirrored, 'image', ['amd64'], { env: { ...env, BUILDCACHE_MIRROR_URL: mirrorUrl } }),
    runStep(planning, 'image', ['amd64', '--plan'], { env }),
    runStep(asking, 'sdk_bootstrap', bootstrap, { env }),
    // Who asks nothing, builds.
    runStep(publishing, 'sdk_bootstrap', bootstrap, { env: { ...env, AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' } }),
  ]);
  mirror.close();
  expect(askedOfMirror).toBe(0);
  for (const end of [early, withMirror, planned, first]) {
    expectPatience(end);
    expect(end.stderr.match(/trying again in/g)).toHaveLength(5);
  }
  expect(early.result?.error?.code).toBe('CACHE_UNREACHABLE');
  expect(early.stderr).toContain(`127.0.0.1:${env.BUILDCACHE_SSH_PORT}`);
  for (const one of [world, asking]) expect(one.takeCalls()).toEqual([]);
  expectPatience(published);
  expect(publishing.takeCalls()).not.toEqual([]);
  expect(leftoversOf(publishing)).toEqual([]);
  // What was built is still there: with the right server the step goes on where it was.
  const { result } = await mustRun(publishing, 'sdk_bootstrap', bootstrap);
  expect(result?.summary).toMatchObject({ version: BUILD.tag });
}, 90_000);
