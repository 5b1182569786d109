import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { ask } from '../../helpers/doctor-machine.ts';
import { makeTestKey, type TestKey } from '../../helpers/gpg.ts';
import { useTempFolders } from '../../helpers/temp.ts';

// gpg makes keys.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const DAY_MS = 24 * 60 * 60 * 1000;
let folder: string;
let good: TestKey;
let dead: TestKey;

beforeAll(() => {
  folder = makeFolder('keys');
  good = makeTestKey({ folder, name: 'Good' });
  dead = makeTestKey({ folder, name: 'Dead', expired: true });
}, 60_000);

const sign = (key: TestKey, more: Record<string, string> = {}) => ({
  cwd: makeFolder(),
  env: { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, ...more },
});
const rings = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('gpg-'));

test('a key that signs is fine, and one that has expired is said with its day and how to renew it', async () => {
  expect(await ask('signing-key', sign(good))).toMatchObject({
    outcome: 'ok',
    seen: expect.stringContaining('does not expire'),
  });
  const expired = await ask('signing-key', sign(dead));
  expect(expired).toMatchObject({ outcome: 'failed', seen: expect.stringMatching(/expired on 2020-12-3\d/) });
  expect(await ask('signing-key', { cwd: makeFolder() })).toMatchObject({ outcome: 'skipped' });
});

test('a key that ends soon is a warning, with the days left', async () => {
  const home = mkdtempSync('/tmp/tk-');
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { stdio: 'pipe' });
  try {
    gpg('--passphrase', '', '--quick-generate-key', 'Soon <soon@example.test>', 'ed25519', 'sign', '10d');
    const file = join(folder, 'soon.asc');
    writeFileSync(file, gpg('--armor', '--export-secret-keys'));
    const key = { fingerprint: 'soon@example.test', secretKeyFile: file } as TestKey;
    const soon = await ask('signing-key', sign(key));
    expect(soon).toMatchObject({ outcome: 'warning', fix: expect.stringContaining('--quick-set-expire') });
    expect(soon.seen).toMatch(/expires on \d{4}-\d\d-\d\d, in (9|10) days/);
    const later = await ask('signing-key', { ...sign(key), now: () => new Date(Date.now() + 8 * DAY_MS) });
    expect(later.seen).toMatch(/in (1 day|2 days)$/m);
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
});

test('half of the two settings, no such file, a public key', async () => {
  const half = await ask('signing-key', { cwd: makeFolder(), env: { SIGNER: 'x' } });
  expect(half).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('SIGNING_KEY') });
  const gone = await ask('signing-key', sign({ ...good, secretKeyFile: '/nowhere/key.asc' }));
  expect(gone).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('ENOENT') });
  const open = await ask('signing-key', sign({ ...good, secretKeyFile: good.publicKeyFile }));
  expect(open).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('public key only') });
});

test('a gpg that hangs is told of in time, and leaves no key ring behind', async () => {
  const bin = makeFolder();
  writeFileSync(join(bin, 'gpg'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  const before = rings();
  const { cwd, env } = sign(good, { PATH: `${bin}:${process.env.PATH}` });
  const report = await ask('signing-key', { cwd, env, limitMs: 1000 });
  expect(report).toMatchObject({
    outcome: 'failed',
    seen: 'no answer within 1.0 s while gpg was making a trial signature',
  });
  expect(rings().filter((name) => !before.includes(name))).toEqual([]);
});

test('trusted keys: those that accept what is signed here, and those that would refuse it', async () => {
  const trusted = makeFolder();
  copyFileSync(good.publicKeyFile, join(trusted, 'good.asc'));
  const fine = await ask('trusted-keys', sign(good, { TRUSTED_KEYS: trusted }));
  expect(fine).toMatchObject({ outcome: 'ok', seen: expect.stringContaining('what this machine signs is accepted') });

  const other = makeTestKey({ folder, name: 'Other' });
  const refused = await ask('trusted-keys', sign(other, { TRUSTED_KEYS: trusted }));
  expect(refused).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('would be refused') });
  expect(refused.fix).toContain(`gpg --armor --export ${other.fingerprint}`);

  // One of two is past its time: what it signed is refused, the rest works.
  copyFileSync(dead.publicKeyFile, join(trusted, 'dead.asc'));
  const mixed = await ask('trusted-keys', sign(good, { TRUSTED_KEYS: trusted }));
  expect(mixed).toMatchObject({
    outcome: 'warning',
    seen: expect.stringContaining('can no longer sign: it ended on 2020-12-3'),
  });
  expect(await ask('trusted-keys', { cwd: makeFolder(), env: { TRUSTED_KEYS: dead.publicKeyFile } })).toMatchObject({
    outcome: 'failed',
  });
});

test('trusted keys that are not there, or are none', async () => {
  const look = (TRUSTED_KEYS: string) => ask('trusted-keys', { cwd: makeFolder(), env: { TRUSTED_KEYS } });
  expect(await look('/nowhere')).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('ENOENT') });
  expect(await look(makeFolder())).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('empty') });
  expect(await ask('trusted-keys', { cwd: makeFolder() })).toMatchObject({ outcome: 'skipped' });
});
