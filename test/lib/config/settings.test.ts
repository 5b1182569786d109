import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeSettings, loadSettings } from '../../../lib/config/index.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'settings-'));
});
afterEach(() => rm(folder, { recursive: true }));

const load = (input: { flags?: Record<string, string>; env?: Record<string, string>; files?: string[] } = {}) =>
  loadSettings({
    flags: input.flags ?? {},
    env: { HOME: '/home/u', ...input.env },
    files: (input.files ?? []).map((file) => ({ file, mustExist: false })),
    cwd: '/tree',
  });

const file = async (text: string, name = 'ci-config.env'): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

const faultsOf = async (work: Promise<unknown>): Promise<string[]> => {
  const error = await work.then(
    () => undefined,
    (thrown: { code: string; data: { faults: { where: string; text: string }[] } }) => thrown,
  );
  expect(error?.code).toBe('SETTINGS_INVALID');
  return error?.data.faults.map(({ where, text }) => `${where}: ${text}`) ?? [];
};

describe('precedence', () => {
  it('takes the default when nobody says anything', async () => {
    const { values, origins } = await load();
    expect(values.BUILDCACHE_USER).toBe('bincache');
    expect(origins.BUILDCACHE_USER).toEqual({ kind: 'default' });
  });

  it('puts flag over environment over the first file over the second', async () => {
    const first = await file('SIGNER=first\nARCH=arm64\n', 'one.env');
    const second = await file('SIGNER=second\nCONTAINER_REGISTRY=r.example\nARCH=riscv\n', 'two.env');
    const { values, origins } = await load({
      flags: { BUILDCACHE_USER: 'flag' },
      env: { BUILDCACHE_USER: 'env', ARCH: 'amd64' },
      files: [first, second],
    });
    expect(values).toMatchObject({
      BUILDCACHE_USER: 'flag',
      ARCH: 'amd64',
      SIGNER: 'first',
      CONTAINER_REGISTRY: 'r.example',
    });
    expect(origins.SIGNER).toEqual({ kind: 'file', file: first });
  });

  it('counts an empty variable as not set', async () => {
    const path = await file('ARCH=arm64\n');
    expect((await load({ env: { ARCH: '' }, files: [path] })).values.ARCH).toBe('arm64');
  });
});

describe('files', () => {
  it('expands references and defaults, and executes nothing', async () => {
    const path = await file(
      [
        'BUILDCACHE_SERVER=cache.example',
        'BUILDCACHE_URL="http://${BUILDCACHE_SERVER}:${PORT:-8080}"',
        'SIGNER=$(touch /tmp/slipway-was-here)',
      ].join('\n'),
    );
    const { values } = await load({ files: [path] });
    expect(values.BUILDCACHE_URL).toBe('http://cache.example:8080');
    expect(values.SIGNER).toBe('$(touch /tmp/slipway-was-here)');
  });

  it('takes relative paths against the folder of the file', async () => {
    const path = await file('SIGNING_KEY=keys/key.asc\nTRUSTED_KEYS=~/trusted\n');
    const { values } = await load({ files: [path] });
    expect(values.SIGNING_KEY).toBe(join(folder, 'keys/key.asc'));
    expect(values.TRUSTED_KEYS).toBe('/home/u/trusted');
  });

  it('misses a file only when it was asked for', async () => {
    await expect(load({ files: ['/nowhere/ci-config.env'] })).resolves.toBeDefined();
    const asked = loadSettings({ flags: {}, env: {}, files: [{ file: '/nowhere/x.env', mustExist: true }], cwd: '/' });
    await expect(asked).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' });
  });
});

describe('mistakes', () => {
  it('names unknown and misspelt keys with the nearest known one, all at once', async () => {
    const path = await file('SIGNING_KEYY=x\nQEMU_PARALLEL=3\n');
    const faults = await faultsOf(load({ env: { BUILDCACHE_SERVR: 'x', BUILDCACHE_SSH_PORT: '22a' }, files: [path] }));
    expect(faults).toEqual([
      "environment: unknown setting 'BUILDCACHE_SERVR'. Did you mean 'BUILDCACHE_SERVER'?",
      `${path}: unknown setting 'SIGNING_KEYY'. Did you mean 'SIGNING_KEY'?`,
      "environment: BUILDCACHE_SSH_PORT: '22a' is not a whole number",
    ]);
  });

  it('only warns of look-alikes in the environment, which belongs to others too', async () => {
    const { warnings } = await load({ env: { SIGNERR: 'x' } });
    expect(warnings).toEqual(['The environment has SIGNERR; did you mean SIGNER?']);
  });

  it.each([
    ['1', true],
    ['t', true],
    ['yes', true],
    ['0', false],
    ['no', false],
  ])('reads %s as %s', async (text, value) => {
    expect((await load({ env: { SIGN: text } })).values.SIGN).toBe(value);
  });

  it('does not take TRUE for yes, as the original does not', async () => {
    expect(await faultsOf(load({ env: { SIGN: 'TRUE' } }))).toEqual([
      "environment: SIGN: 'TRUE' is neither 1 (yes) nor 0 (no)",
    ]);
  });
});

describe('config show', () => {
  it('shows value and origin of every setting, and no password', async () => {
    const loaded = await load({ env: { BUILDCACHE_URL: 'https://me:s3cret!pass@cache.example' } });
    const shown = describeSettings(loaded);
    expect(shown.find(({ name }) => name === 'BUILDCACHE_URL')).toMatchObject({
      value: 'https://me:***@cache.example',
      from: 'environment',
    });
    expect(JSON.stringify(shown)).not.toContain('s3cret');
  });
});
