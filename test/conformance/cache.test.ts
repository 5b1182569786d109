import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { docker } from '../helpers/conformance-docker.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import { errorCode, mustRun, run } from './own-run.ts';

const stage = useStage();
const TAG = 'alpha-9000.1.0-c';
const FORM = '9000.1.0-c';
const PACKAGES = `flatcar-packages-amd64:${FORM}`;

const idOf = (image: string): string => docker('image', 'inspect', '--format', '{{.Id}}', image);
/** The image is published by the first test. */
const ANYWAY = { AVOID_NIGHTLY_BUILD_SHORTCUTS: '1' };
const isArchive = (path: string): boolean => path.endsWith('.tar.zst');

test('a server with another host key gets nothing (defect 33)', async () => {
  const world = stage.open();
  world.offerSdk('amd64', '9000.0.0');
  await mustRun(world, ['packages_tag', TAG]);
  const knownHosts = join(world.folder, 'known_hosts');
  const other = readFileSync(`${world.sshd.foreignKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(knownHosts, `[localhost]:${world.sshd.port} ${other}\n`);
  const end = await run(world, ['packages', 'amd64'], { BUILDCACHE_KNOWN_HOSTS: knownHosts });
  expect([end.exitCode, errorCode(end)]).toEqual([1, 'CACHE_HOST_KEY']);
  expect(world.filesInCache()).toEqual([]);
}, 60_000);

/** Each goes on in the world of the one before. */
describe('the packages image', () => {
  let published = '';

  test('that is here and is the published one is not loaded again', async () => {
    const world = stage.current();
    await mustRun(world, ['packages', 'amd64']);
    published = idOf(PACKAGES);
    await mustRun(world, ['image', 'amd64']);
    expect(stage.https.requests.some(({ path, method }) => isArchive(path) && method === 'GET')).toBe(false);
  }, 60_000);

  test('that is here under its name but is another one gives way to the published one', async () => {
    const world = stage.current();
    world.removeImages();
    world.offerSdk('amd64', '1.1.1', 'local');
    docker('tag', 'ghcr.io/flatcar/flatcar-sdk-amd64:1.1.1', PACKAGES);
    await mustRun(world, ['image', 'amd64'], ANYWAY);
    expect(idOf(PACKAGES)).toBe(published);
  }, 60_000);

  test('whose transfer breaks off in the middle is fetched to its end', async () => {
    const world = stage.current();
    world.nextMachine(TAG);
    let cuts = 0;
    stage.https.onRequest = (path, method) => {
      if (!isArchive(path) || method !== 'GET' || cuts > 0) return undefined;
      cuts += 1;
      return { kind: 'cut', afterBytes: 300 };
    };
    await mustRun(world, ['image', 'amd64'], ANYWAY);
    stage.https.onRequest = () => undefined;
    expect([cuts, idOf(PACKAGES)]).toEqual([1, published]);
  }, 60_000);

  test('that was cut short on the server is not used (defects 10 and 32)', async () => {
    const world = stage.current();
    world.nextMachine(TAG);
    world.write('calls', '');
    const file = join(world.cache, `containers/${FORM}/flatcar-packages-amd64-${FORM}.tar.zst`);
    copyFileSync(file, `${world.folder}/whole`);
    truncateSync(file, readFileSync(file).length - 100);
    const end = await run(world, ['image', 'amd64'], ANYWAY);
    copyFileSync(`${world.folder}/whole`, file);
    expect([end.exitCode, errorCode(end)]).toEqual([3, 'ARTIFACT_DIGEST_MISMATCH']);
    expect([docker('images', '--quiet', PACKAGES), world.read('calls')]).toEqual(['', '']);
  }, 60_000);

  test('that only the release mirror has is taken from there', async () => {
    const world = stage.current();
    world.moveToMirror('containers');
    await mustRun(world, ['image', 'amd64'], ANYWAY);
    expect(idOf(PACKAGES)).toBe(published);
    expect(stage.mirror.requests.some(({ path }) => isArchive(path))).toBe(true);
  }, 60_000);
});
