import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../lib/container/index.ts';
import { type Script, scriptedRunner } from './scripted-runner.ts';

const ID = 'a'.repeat(64);

const make = (name: 'docker' | 'podman', script: Script, command: [string, ...string[]] = [name]) => {
  const query = scriptedRunner(script);
  const effects = scriptedRunner(script);
  const engine = createEngine({
    name,
    command,
    info: { storage: { kind: 'graph' } },
    env: { SEEN: '1' },
    query: query.runner,
    effects: effects.runner,
  });
  return { engine, query, effects };
};

describe('the ID of an image', () => {
  test('is that of exactly the name asked for', async () => {
    const { engine, query } = make('docker', () => ({ stdout: `sdk:1.2.3 sha256:${ID}` }));
    expect(await engine.imageId('sdk:1.2.3')).toBe(ID);
    expect(query.lines).toEqual(['docker images --no-trunc --format {{.Repository}}:{{.Tag}} {{.ID}} sdk:1.2.3']);
    expect(query.environments).toEqual([{ SEEN: '1' }]);
  });

  test('podman lists the same name of other registries too; they do not count', async () => {
    const { engine } = make('podman', () => ({ stdout: `ghcr.io/x/sdk:1 sha256:${'b'.repeat(64)}` }));
    expect(await engine.imageId('sdk:1')).toBeUndefined();
  });

  test('podman writes localhost/ before names without a registry', async () => {
    const { engine } = make('podman', () => ({
      stdout: `ghcr.io/x/sdk:1 sha256:${'b'.repeat(64)}\nlocalhost/sdk:1 sha256:${ID}`,
    }));
    expect(await engine.imageId('sdk:1')).toBe(ID);
  });

  test('a name without a version means latest; the port of a registry is no version', async () => {
    const { engine } = make('docker', () => ({ stdout: `localhost:5000/sdk:latest sha256:${ID}` }));
    expect(await engine.imageId('localhost:5000/sdk')).toBe(ID);
  });

  test('a daemon that is not there is not an image that is not there', async () => {
    const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
    const { engine } = make('docker', () => ({ exitCode: 1, stderr }));
    await expect(engine.imageId('sdk:1')).rejects.toMatchObject({
      code: 'ENGINE_NOT_RUNNING',
      hint: expect.stringContaining(stderr),
    });
  });
});

test('the tags of a name are listed without what has none, and a layer comes by standard input', async () => {
  const { engine, query, effects } = make('docker', () => ({ stdout: 'one\n<none>\ntwo' }));
  expect(await engine.tagsOf('incoming')).toEqual(['one', 'two']);
  await engine.importTar('incoming:three');
  expect(query.lines).toEqual(['docker images --format {{.Tag}} incoming']);
  expect(effects.lines).toEqual(['docker import - incoming:three']);
});

describe('effects', () => {
  test('go through the runner for effects only', async () => {
    const { engine, query, effects } = make('docker', () => ({}));
    await engine.commit('box', 'packages:1');
    await engine.tag('packages:1', 'packages:2');
    expect(effects.lines).toEqual(['docker commit box packages:1', 'docker tag packages:1 packages:2']);
    expect(query.lines).toEqual([]);
  });

  test('podman saves and commits what docker can load', async () => {
    const { engine, effects } = make('podman', () => ({}), ['sudo', '-n', 'podman']);
    engine.save('sdk:1');
    await engine.commit('box', 'sdk:1');
    expect(effects.lines).toEqual([
      'sudo -n podman save --format docker-archive sdk:1',
      'sudo -n podman commit --format docker --quiet box sdk:1',
    ]);
  });

  test('a pull that the registry refuses is an answer', async () => {
    const { engine } = make('docker', () => ({ exitCode: 1, stderr: 'manifest unknown' }));
    expect(await engine.pull('ghcr.io/x/sdk:1')).toBe(false);
  });

  test('a pull for which there is no room is an error', async () => {
    const { engine } = make('docker', () => ({
      exitCode: 1,
      stderr: 'write /var/lib/docker/x: no space left on device',
    }));
    await expect(engine.pull('ghcr.io/x/sdk:1')).rejects.toMatchObject({ code: 'CONTAINER_NO_SPACE' });
  });

  test('removing what is not there does nothing', async () => {
    const { engine, effects } = make('docker', () => ({ stdout: '' }));
    await engine.removeImage('sdk:1');
    await engine.removeContainer('box');
    expect(effects.lines).toEqual([]);
  });

  test('a container is found by its whole name', async () => {
    const { engine, query, effects } = make('docker', (line) => ({ stdout: line.includes('ps') ? 'f00' : '' }));
    await engine.removeContainer('sdk-1.2_os-1.2');
    expect(query.lines).toEqual(['docker ps --all --quiet --filter name=^sdk-1\\.2_os-1\\.2$']);
    expect(effects.lines).toEqual(['docker container rm --force sdk-1.2_os-1.2']);
  });
});

test('the cleanup line of an image is the one that the original writes', () => {
  const { engine } = make('docker', () => ({}));
  expect(engine.removeImageLine('ghcr.io/x/sdk:1')).toBe("docker image rm -f 'ghcr.io/x/sdk:1'");
});
