import { describe, expect, test } from '@jest/globals';
import { parseEngineInfo } from '../../../lib/container/engine-info.ts';
import { findEngine, requireEngine } from '../../../lib/container/index.ts';
import { podmanSettings } from '../../../lib/container/podman-conf.ts';
import { type Script, scriptedRunner } from './scripted-runner.ts';

const free = { runtime: 'runc', hasHybridCgroups: false, maxOpenFiles: Number.POSITIVE_INFINITY, canRaiseLimits: true };

const find = (
  script: Script,
  options: { env?: Record<string, string>; isRoot?: boolean; facts?: typeof free } = {},
) => {
  const { env = {}, isRoot = true, facts = free } = options;
  return findEngine({ env, query: scriptedRunner(script).runner, isRoot, podmanFacts: async () => facts });
};

const DOCKER = { stdout: JSON.stringify({ ServerVersion: '20.10', Driver: 'overlay2', DockerRootDir: '/data' }) };
const PODMAN_INFO = {
  host: { arch: 'amd64', ociRuntime: { name: 'runc' }, security: { rootless: true } },
  store: { graphDriverName: 'overlay', graphRoot: '/podman' },
  version: { Version: '4.3.1' },
};
const PODMAN = { stdout: JSON.stringify(PODMAN_INFO) };
const DEAD = { exitCode: 1, stderr: 'Cannot connect to the Docker daemon. Is the docker daemon running?' };

describe('which engine is taken', () => {
  test('docker, when its daemon answers', async () => {
    const { found } = await find(() => DOCKER);
    expect(found).toEqual({
      name: 'docker',
      command: ['docker'],
      info: expect.objectContaining({ version: '20.10', imageFolder: '/data' }),
      env: { docker: 'docker' },
    });
  });

  test('podman, when docker is not installed or does not answer', async () => {
    const { found, tried } = await find((line) => (line.startsWith('docker') ? DEAD : PODMAN));
    expect(found).toMatchObject({ name: 'podman', command: ['podman'] });
    expect(tried).toEqual([{ command: 'docker', detail: DEAD.stderr }]);
  });

  test('podman under the name of docker is podman', async () => {
    expect((await find(() => PODMAN)).found).toMatchObject({ name: 'podman', command: ['docker'] });
  });

  test('what the variable `docker` says, and nothing else', async () => {
    const { found } = await find(() => DOCKER, { env: { docker: 'sudo docker' } });
    expect(found?.command).toEqual(['sudo', 'docker']);
    expect(
      (await find((line) => (line.startsWith('podman') ? PODMAN : DEAD), { env: { docker: 'docker' } })).found,
    ).toBeUndefined();
  });

  test('sudo docker, for a user who may not use the socket', async () => {
    const denied = { exitCode: 1, stderr: 'permission denied while trying to connect to the Docker daemon socket' };
    const { found } = await find((line) => (line.startsWith('sudo -n docker') ? DOCKER : denied), { isRoot: false });
    expect(found).toEqual({
      name: 'docker',
      command: ['sudo', '-n', 'docker'],
      info: expect.objectContaining({ name: 'docker' }),
      env: { docker: 'sudo -n docker' },
    });
  });

  test('none: the error names all that was tried', async () => {
    const query = scriptedRunner((line) => (line.startsWith('docker') ? DEAD : undefined)).runner;
    await expect(requireEngine({ env: {}, query, isRoot: true })).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      hint: expect.stringMatching(/docker: Cannot connect[\s\S]*podman: not installed/),
    });
  });
});

describe('what an engine says of itself', () => {
  const docker = {
    ServerVersion: '28.1',
    Driver: 'overlay2',
    DockerRootDir: '/data',
    DriverStatus: [['Supports d_type', 'true']],
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'],
    Architecture: 'x86_64',
  };
  const parse = (info: unknown) => parseEngineInfo(JSON.stringify(info));

  test('docker', () => {
    expect(parse(docker)).toEqual({
      name: 'docker',
      version: '28.1',
      storageDriver: 'overlay2',
      storage: { kind: 'graph', overlayRoot: '/data' },
      isRootless: true,
      imageFolder: '/data',
      arch: 'x86_64',
    });
    expect(parse({ ...docker, Driver: 'vfs', SecurityOptions: null })).toMatchObject({
      storage: { kind: 'graph', overlayRoot: undefined },
      isRootless: false,
    });
  });

  test("docker on containerd's store", () => {
    const DriverStatus = [['driver-type', 'io.containerd.snapshotter.v1']];
    expect(parse({ ...docker, Driver: 'overlayfs', DriverStatus })?.storage).toEqual({ kind: 'containerd' });
  });

  test('podman', () => {
    expect(parse(PODMAN_INFO)).toEqual({
      name: 'podman',
      version: '4.3.1',
      storageDriver: 'overlay',
      storage: { kind: 'podman' },
      isRootless: true,
      imageFolder: '/podman',
      arch: 'amd64',
      runtime: 'runc',
    });
  });

  test('anything else is no engine, nor is a client without a daemon', async () => {
    for (const text of ['', 'null', '[]', 'Fixture 1.0', '{"ServerVersion":"","Driver":""}']) {
      expect(parseEngineInfo(text)).toBeUndefined();
    }
    const { tried } = await find((line) =>
      line.startsWith('docker') ? { stdout: '{"ServerErrors":["no"]}' } : undefined,
    );
    expect(tried[0]).toEqual({ command: 'docker', detail: 'it does not say what it is (exit code 0)' });
  });
});

describe('settings for podman', () => {
  test('are not needed on an ordinary machine', () => {
    expect(podmanSettings(free)).toBeUndefined();
    expect(podmanSettings({ ...free, runtime: 'crun' })).toBeUndefined();
  });

  test('keep its limits below those that cannot be raised', () => {
    expect(podmanSettings({ ...free, maxOpenFiles: 20_000, canRaiseLimits: false })).toMatch(
      /config\/podman\/limits\.conf$/,
    );
    expect(podmanSettings({ ...free, maxOpenFiles: 20_000 })).toBeUndefined();
  });

  test('choose runc where crun refuses the cgroups', () => {
    expect(podmanSettings({ ...free, runtime: 'crun', hasHybridCgroups: true })).toMatch(/config\/podman\/runc\.conf$/);
  });

  test('reach podman through sudo, and leave the settings of the user alone', async () => {
    const facts = { ...free, maxOpenFiles: 20_000, canRaiseLimits: false };
    const script: Script = (line) => (line.startsWith('sudo -n podman') ? PODMAN : undefined);
    const { found } = await find(script, { isRoot: false, facts });
    expect(found?.command.join(' ')).toMatch(/^sudo -n env CONTAINERS_CONF=\S+limits\.conf podman$/);
    expect(found?.env.docker).toBe(found?.command.join(' '));
    const own = await find(() => PODMAN, { facts, env: { CONTAINERS_CONF: '/own.conf' } });
    expect(own.found?.env).toEqual({ docker: 'docker' });
  });
});
