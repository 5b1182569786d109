import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ask } from '../../helpers/doctor-machine.ts';
import {
  gitTestEnv,
  makeOriginTemplate,
  type OriginTemplate,
  type TestClone,
  type TestOrigin,
} from '../../helpers/git-clone.ts';
import { useTempFolders } from '../../helpers/temp.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const VERSION_FILE = 'sdk_container/.repo/manifests/version.txt';
let template: OriginTemplate;
let origin: TestOrigin;
let clone: TestClone;

beforeAll(async () => {
  template = await makeOriginTemplate({ [VERSION_FILE]: 'OTHER_VERSION=1.2.3\n' });
  origin = await template.copy();
  clone = await origin.clone();
});
afterAll(async () => {
  await template.remove();
  await origin.remove();
});

const environment = () => ({ ...gitTestEnv(makeFolder()) });
const look = (name: string, cwd = clone.folder, more: object = {}) => ask(name, { cwd, env: environment(), ...more });

test('a checkout with an identity is fine; without one there is a command that sets it', async () => {
  const nobody = await look('git');
  expect(nobody).toMatchObject({ outcome: 'warning', fix: expect.stringContaining('git config --global user.name') });
  expect(nobody.seen).toContain('user.name and user.email not set');
  await clone.run('config', 'user.name', 'Somebody');
  expect((await look('git')).seen).toContain('user.email not set');
  await clone.run('config', 'user.email', 'somebody@example.org');
  const somebody = await look('git');
  expect(somebody).toMatchObject({ outcome: 'ok', fix: undefined });
  expect(somebody.seen).toContain('commits are by Somebody <somebody@example.org>');
});

test('outside of a checkout only git itself is looked at; what needs a remote is skipped', async () => {
  const folder = makeFolder();
  expect((await look('git', folder)).seen).toMatch(/git version \d/);
  expect(await look('git-push', folder)).toMatchObject({
    outcome: 'skipped',
    seen: expect.stringContaining('no git checkout'),
  });
  await clone.run('remote', 'rename', 'origin', 'elsewhere');
  expect(await look('git-remote')).toMatchObject({ outcome: 'skipped', seen: "the checkout has no remote 'origin'" });
  await clone.run('remote', 'rename', 'elsewhere', 'origin');
});

test('no git, and a git that is too old', async () => {
  const bin = makeFolder();
  const env = { ...environment(), PATH: bin };
  expect(await ask('git', { cwd: clone.folder, env })).toMatchObject({
    outcome: 'failed',
    seen: expect.stringContaining('git'),
  });
  writeFileSync(join(bin, 'git'), '#!/bin/sh\ncase $1 in --version) echo git version 2.25.1 ;; *) exit 1 ;; esac\n', {
    mode: 0o755,
  });
  const old = await ask('git', { cwd: clone.folder, env });
  expect(old).toMatchObject({
    outcome: 'failed',
    seen: expect.stringContaining('git version 2.25.1 is too old, 2.30'),
  });
});

test('the remote answers and takes a push, and nothing is changed there by asking', async () => {
  const before = await origin.refs();
  expect(await look('git-remote')).toMatchObject({ outcome: 'ok' });
  expect(await look('git-push')).toMatchObject({ outcome: 'ok' });
  expect(await origin.refs()).toEqual(before);
  expect(await look('git-push', clone.folder, { readOnly: true })).toMatchObject({
    outcome: 'skipped',
    seen: '--read-only',
  });
  expect(await look('git-push', clone.folder, { offline: true })).toMatchObject({
    outcome: 'skipped',
    seen: '--offline',
  });
});

test('a remote that only lets read: it answers and refuses the push', async () => {
  const refuse = join(makeFolder(), 'receive-pack');
  writeFileSync(refuse, '#!/bin/sh\necho "ERROR: this key is read-only" >&2\nexit 1\n', { mode: 0o755 });
  await clone.run('config', 'remote.origin.receivepack', refuse);
  expect(await look('git-remote')).toMatchObject({ outcome: 'ok' });
  const push = await look('git-push');
  expect(push).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('git push --dry-run origin') });
  expect(push.seen).toContain('ERROR: this key is read-only');
  await clone.run('config', '--unset', 'remote.origin.receivepack');
});

test('a push that a hook of this machine refuses', async () => {
  const hooks = makeFolder();
  writeFileSync(join(hooks, 'pre-push'), '#!/bin/sh\necho "pushes are made by the release team" >&2\nexit 1\n');
  chmodSync(join(hooks, 'pre-push'), 0o755);
  await clone.run('config', 'core.hooksPath', hooks);
  expect(await look('git-push')).toMatchObject({
    outcome: 'failed',
    seen: expect.stringContaining('by the release team'),
  });
  await clone.run('config', '--unset', 'core.hooksPath');
});

test('a remote that is gone, and one that never answers; no password is shown', async () => {
  const other = await origin.clone();
  await other.run('remote', 'set-url', 'origin', join(makeFolder(), 'gone.git'));
  expect(await look('git-remote', other.folder)).toMatchObject({
    outcome: 'failed',
    fix: expect.stringContaining('git ls-remote'),
  });

  const silent = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  await other.run('remote', 'set-url', 'origin', `http://ci:s3cret-token@127.0.0.1:${port}/tree.git`);
  const stalled = await look('git-remote', other.folder, { limitMs: 5000 });
  expect(stalled).toMatchObject({ outcome: 'failed' });
  expect(stalled.seen).toMatch(
    /^no answer within 5\.0 s while asking http:\/\/127\.0\.0\.1:\d+\/tree\.git for its refs$/,
  );
  expect(JSON.stringify(stalled)).not.toContain('s3cret');
  await new Promise<void>((resolve) => silent.close(() => resolve()));
});

test('a checkout of another user', async () => {
  const env = { ...environment(), GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
  const report = await ask('git', { cwd: clone.folder, env });
  expect(report).toMatchObject({ outcome: 'failed', fix: `git config --global --add safe.directory ${clone.folder}` });
});

test('a clock behind the last commit, or before all versions, or in no zone', async () => {
  const seconds = Number(await clone.run('log', '-1', '--format=%ct'));
  const at = (offS: number) => ({ now: () => new Date((seconds + offS) * 1000) });
  expect(await look('clock', clone.folder, at(60))).toMatchObject({ outcome: 'ok' });
  const behind = await look('clock', clone.folder, at(-3600));
  expect(behind).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('timedatectl') });
  expect(behind.seen).toContain("but the checkout's last commit is of");
  const reset = { now: () => new Date('1970-01-01T00:01:00Z') };
  expect(await look('clock', makeFolder(), reset)).toMatchObject({
    outcome: 'failed',
    seen: expect.stringContaining('long ago'),
  });
  const nowhere = await ask('clock', { cwd: makeFolder(), env: { ...environment(), TZ: 'Mars/Olympus' } });
  expect(nowhere).toMatchObject({ outcome: 'warning', seen: expect.stringContaining('TZ=Mars/Olympus') });
  for (const TZ of ['UTC', 'Europe/Berlin', 'CET-1CEST', ':/etc/localtime', '<+03>-3']) {
    expect({ TZ, ...(await ask('clock', { cwd: makeFolder(), env: { ...environment(), TZ } })) }).toMatchObject({
      TZ,
      outcome: 'ok',
    });
  }
});

test('settings: a misspelt name is said with the right one, and the other checks go on', async () => {
  const env = { ...environment(), BUILDCACHE_SERVR: 'cache.example.org', BUILDCACHE_DIR: join(makeFolder(), 'cache') };
  const settings = await ask('settings', { cwd: makeFolder(), env });
  expect(settings).toMatchObject({ outcome: 'failed' });
  expect(settings.seen).toContain(
    'the environment has BUILDCACHE_SERVR, which is no setting; did you mean BUILDCACHE_SERVER?',
  );
  expect(settings.fix).toContain('unset BUILDCACHE_SERVR');
  expect(await ask('cache-round-trip', { cwd: makeFolder(), env })).toMatchObject({ outcome: 'ok' });
});

test('settings: a value that is none is said, and what depends on the settings is skipped', async () => {
  const cwd = makeFolder();
  writeFileSync(join(cwd, 'ci-config.env'), 'BUILDCACHE_SSH_PORT=many\n');
  expect(await look('settings', cwd)).toMatchObject({ outcome: 'failed', seen: expect.stringContaining("'many'") });
  expect(await look('cache-round-trip', cwd)).toMatchObject({
    outcome: 'skipped',
    seen: expect.stringContaining("'settings'"),
  });
});

test('the tree: none is skipped, a named one must be there, a known one is said', async () => {
  expect(await look('tree', makeFolder())).toMatchObject({
    outcome: 'skipped',
    fix: expect.stringContaining('root of the checkout'),
  });
  const named = { env: { ...environment(), SLIPWAY_TREE: 'flatcra' } };
  expect(await look('tree', makeFolder(), named)).toMatchObject({
    outcome: 'failed',
    seen: expect.stringContaining('flatcra'),
  });
  const folder = makeFolder();
  mkdirSync(join(folder, 'sdk_container/.repo/manifests'), { recursive: true });
  writeFileSync(join(folder, VERSION_FILE), 'SKIFF_VERSION=1.0.0\n');
  expect(await look('tree', folder)).toMatchObject({ outcome: 'ok', seen: expect.stringContaining('Skiff') });
  // A known tree that is no checkout cannot be built.
  expect(await look('git', folder)).toMatchObject({ outcome: 'failed' });
});
