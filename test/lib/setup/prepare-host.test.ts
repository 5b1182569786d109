import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { readHostPackages } from '../../../lib/setup/debian-packages.mjs';
import { prepareHost } from '../../../lib/setup/index.ts';
import { type Script, scriptedRunner } from '../container/scripted-runner.ts';

const checkout = join(import.meta.dirname, '../../..');
const packages = readHostPackages(checkout);
const installedBut = (...absent: string[]): string =>
  packages
    .filter(({ name }) => !absent.includes(name))
    .map(({ name }) => `ii  ${name}`)
    .join('\n');

const DEAD = { exitCode: 1, stderr: 'Cannot connect to the Docker daemon. Is the docker daemon running?' };

/** A machine: what is installed, whether docker answers, what apt does. */
const machine = (options: {
  installed: string;
  docker?: 'runs' | 'dead' | 'absent';
  apt?: Script;
  env?: Record<string, string>;
  isRoot?: boolean;
  noInstall?: boolean;
  daemon?: string;
}) => {
  const { installed, docker = 'runs', env = {}, isRoot = true, noInstall = false } = options;
  const events: LogEvent[] = [];
  const query = scriptedRunner((line) => {
    if (line.startsWith('dpkg-query')) return { stdout: installed, exitCode: 1 };
    if (/docker info\b/.test(line) && docker === 'runs') return { stdout: '{"ServerVersion":"20.10"}' };
    if (line.startsWith('docker info') && docker === 'dead') return DEAD;
    if (/^(start-stop-daemon --status|journalctl)/.test(line)) return { exitCode: 3 };
    return line.startsWith('sudo') ? { exitCode: 1, stderr: 'sudo: a password is required' } : undefined;
  });
  const effects = scriptedRunner(options.apt ?? (() => ({})));
  const prepare = () =>
    prepareHost({
      group: 'nightly',
      env: { ...env },
      log: createLog((event) => events.push(event)),
      noInstall,
      isRoot,
      findDaemon: () => options.daemon,
      policyFile: '/nonexistent/policy-rc.d',
      query: query.runner,
      effects: effects.runner,
    });
  return { prepare, query, effects, events };
};

describe('a machine that has everything', () => {
  test('is asked two questions, and nothing is said or done', async () => {
    const { prepare, query, effects, events } = machine({ installed: installedBut() });
    expect(await prepare()).toMatchObject({ name: 'docker', command: ['docker'] });
    expect(query.lines.map((line) => line.split(' ')[0])).toEqual(['docker', 'dpkg-query']);
    expect([effects.lines, events]).toEqual([[], []]);
  });

  test('needs no docker.io where another engine answers', async () => {
    const { prepare, effects } = machine({ installed: installedBut('docker.io', 'iptables') });
    await prepare();
    expect(effects.lines).toEqual([]);
  });
});

describe('a machine that lacks packages', () => {
  const installs = (lines: readonly string[]) => lines.filter((line) => line.includes(' install -y '));

  test('gets exactly those, after one update, and is told why', async () => {
    const { prepare, effects, events } = machine({ installed: installedBut('zstd', 'ovmf') });
    await prepare();
    expect(effects.lines.filter((line) => line.endsWith(' update'))).toHaveLength(1);
    expect(installs(effects.lines)).toEqual([expect.stringMatching(/--no-install-recommends zstd ovmf$/)]);
    const said = events.filter((event) => event.kind === 'info').map(({ text }) => text);
    expect(said).toEqual([expect.stringMatching(/^zstd: compresses/), expect.stringMatching(/^ovmf: UEFI/)]);
  });

  test('keeps services of the packages from starting, and takes that back', async () => {
    const { prepare, effects } = machine({ installed: installedBut('zstd') });
    await prepare();
    const names = effects.lines.map((line) => line.replace(/\S+\/lib\/setup\//, ''));
    expect(names[1]).toBe('install -m 0755 policy-rc.d /nonexistent/policy-rc.d');
    expect(names.at(-1)).toBe('rm -f /nonexistent/policy-rc.d');
  });

  test('gets them although a third-party source is broken', async () => {
    const apt: Script = (line) => (line.endsWith(' update') ? { exitCode: 100, stderr: 'E: no Release file' } : {});
    const { prepare, effects, events } = machine({ installed: installedBut('zstd'), apt });
    await prepare();
    expect(installs(effects.lines)).toHaveLength(1);
    const text = expect.stringContaining('apt-get update had errors');
    expect(events).toContainEqual(expect.objectContaining({ kind: 'warning', text }));
  });

  test('is told what apt said when it fails; services may start again', async () => {
    const apt: Script = (line) =>
      line.includes(' install -y ') ? { exitCode: 100, stderr: 'E: Unable to locate package zstd' } : {};
    const { prepare, effects } = machine({ installed: installedBut('zstd'), apt });
    await expect(prepare()).rejects.toMatchObject({
      code: 'HOST_PACKAGES_FAILED',
      hint: expect.stringContaining('Unable to locate package zstd'),
    });
    expect(effects.lines.at(-1)).toBe('rm -f /nonexistent/policy-rc.d');
  });

  test('where nothing may be installed gets the list', async () => {
    const { prepare, effects } = machine({ installed: installedBut('zstd', 'rsync'), noInstall: true });
    await expect(prepare()).rejects.toMatchObject({
      code: 'HOST_PACKAGES_MISSING',
      kind: 'misuse',
      hint: expect.stringMatching(
        /zstd: compresses[\s\S]*rsync: uploads[\s\S]*apt-get install --no-install-recommends zstd rsync/,
      ),
    });
    expect(effects.lines).toEqual([]);
  });

  test('and a user without rights gets the list too', async () => {
    const { prepare } = machine({ installed: installedBut('zstd'), isRoot: false });
    await expect(prepare()).rejects.toMatchObject({
      code: 'HOST_PACKAGES_MISSING',
      message: expect.stringContaining('sudo'),
    });
  });
});

describe('a machine without a running engine', () => {
  test('lists docker.io among what is missing', async () => {
    const { prepare } = machine({ installed: installedBut('docker.io'), docker: 'absent', noInstall: true });
    await expect(prepare()).rejects.toMatchObject({
      code: 'HOST_PACKAGES_MISSING',
      hint: expect.stringContaining('docker.io: the container engine'),
    });
  });

  test('gets its daemon started; what it died of is shown', async () => {
    const { prepare, effects } = machine({ installed: installedBut(), docker: 'dead', daemon: '/usr/sbin/dockerd' });
    await expect(prepare()).rejects.toMatchObject({ code: 'ENGINE_START_FAILED' });
    expect(effects.lines).toEqual([
      expect.stringMatching(/^(start-stop-daemon --start .*dockerd|systemctl start docker)$/),
    ]);
  });

  test.each([
    ['DOCKER_HOST', { DOCKER_HOST: 'tcp://builder:2375' }],
    ['docker', { docker: 'podman-remote' }],
  ])('is not given another one than %s asks for', async (_name, env: Record<string, string>) => {
    const { prepare, effects } = machine({ installed: installedBut(), docker: 'absent', env });
    await expect(prepare()).rejects.toMatchObject({
      code: 'ENGINE_NOT_RUNNING',
      message: expect.stringContaining(Object.values(env)[0] ?? ''),
    });
    expect(effects.lines).toEqual([]);
  });
});

test('every package of the list says who needs it and why', () => {
  for (const { name, groups, why } of packages) {
    expect([name, groups.length > 0, why.length > 15]).toEqual([name, true, true]);
  }
  expect(new Set(packages.map(({ name }) => name)).size).toBe(packages.length);
});
