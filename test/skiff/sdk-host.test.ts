import { afterEach, describe, expect, test } from '@jest/globals';
import { parsePackagesIndex } from '../../skiff/sdk_lib/base-manifest.ts';
import { explainMiss, type StoreEntry } from '../../skiff/sdk_lib/binpkg-store.ts';
import { assembleEnvOptions } from '../../skiff/sdk_lib/container-env.ts';
import { quoteWord } from '../../skiff/sdk_lib/engine.ts';
import { makeSourcesList, parseDeb822, parseOneLine } from '../../skiff/sdk_lib/mirror.ts';
import { parseRunOptions } from '../../skiff/sdk_lib/run-options.ts';
import { getImageTag, getVersionNumber } from '../../skiff/sdk_lib/version.ts';

describe('command line of run_sdk_container', () => {
  test('ends at the first word that is no option', () => {
    const options = parseRunOptions(['-t', '-n', 'N', '-m', '/a:/b', '-m', '/c:/d', '-U', 'make', '-n', 'x']);
    expect(options).toMatchObject({ tty: true, name: 'N', mounts: ['/a:/b', '/c:/d'], command: ['make', '-n', 'x'] });
  });

  test('ends at --', () => {
    expect(parseRunOptions(['--rm', '--', '-v', '$HOME']).command).toEqual(['-v', '$HOME']);
  });

  test.each([
    [['-q'], 'unknown option -q'],
    [['-n'], '-n needs a value'],
    [['-a', 'riscv'], 'unknown arch "riscv"'],
  ])('%j is misuse', (args, message) => {
    expect(() => parseRunOptions(args)).toThrow(message);
  });
});

test('only known variables get into a container, by name', () => {
  const env = { SIGNER: 'a b', SECRET: 'x', COREOS_OFFICIAL: '', GNUPGHOME: '/root/keys' };
  expect(assembleEnvOptions(env)).toEqual(['-e', 'SIGNER', '-e', 'GNUPGHOME=/home/sdk/.gnupg']);
});

test('a quoted word is one word for a shell', () => {
  expect(quoteWord("it's $HOME")).toBe("'it'\\''s $HOME'");
});

test.each([
  ['main-4799.0.0-nightly-20260821-2100', '4799.0.0+nightly-20260821-2100'],
  ['4799.0.0+nightly-1', '4799.0.0+nightly-1'],
  ['beta-3033.1.1', '3033.1.1'],
])('version number of %s', (version, number) => {
  expect(getVersionNumber(version)).toBe(number);
  expect(getImageTag(number)).toBe(number.replace('+', '-'));
});

describe('the mirror', () => {
  const { SKIFF_MIRROR } = process.env;
  afterEach(() => {
    if (SKIFF_MIRROR === undefined) delete process.env.SKIFF_MIRROR;
    else process.env.SKIFF_MIRROR = SKIFF_MIRROR;
  });

  test('deb822: only the archives of the suite, from Debian', () => {
    const text = `Types: deb
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates trixie
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://vendor.test/
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/vendor.gpg
`;
    expect(parseDeb822(text, 'bookworm')).toEqual([
      { uri: 'http://mirror.test/debian', suite: 'bookworm' },
      { uri: 'http://mirror.test/debian', suite: 'bookworm-updates' },
    ]);
  });

  test('one-line format', () => {
    const text = `# deb http://old.test/debian bookworm main
deb [arch=amd64] http://mirror.test/debian bookworm main
deb [signed-by=/etc/vendor.gpg] http://vendor.test/ bookworm main
deb http://vendor.test/ bookworm stable
deb-src http://mirror.test/debian bookworm main
`;
    expect(parseOneLine(text, 'bookworm')).toEqual([{ uri: 'http://mirror.test/debian', suite: 'bookworm' }]);
  });

  test('SKIFF_MIRROR wins, with sources and security beside it', async () => {
    process.env.SKIFF_MIRROR = 'https://mirror.test/debian/';
    const list = await makeSourcesList('bookworm');
    expect(list.split('\n')).toContain('deb https://mirror.test/debian-security bookworm-security main');
    expect(list.split('\n')).toContain('deb-src https://mirror.test/debian bookworm main');
  });

  test.each(['not a url', 'https://user:password@mirror.test/debian'])('%s is refused', async (mirror) => {
    process.env.SKIFF_MIRROR = mirror;
    await expect(makeSourcesList('bookworm')).rejects.toMatchObject({ exitCode: 2 });
    await expect(makeSourcesList('bookworm')).rejects.not.toThrow('password@');
  });
});

test('apt index: source package and version', () => {
  const text = `Package: libc6
Version: 2.36-9
Architecture: amd64
Source: glibc
SHA256: 11

Package: git
Version: 1:2.39-1+b1
Architecture: amd64
Source: git (1:2.39-1)
SHA256: 22

Package: broken
`;
  const index = parsePackagesIndex(text);
  expect([...index.keys()]).toEqual(['libc6', 'git']);
  expect(index.get('git')).toMatchObject({ source: 'git', sourceVersion: '1:2.39-1', version: '1:2.39-1+b1' });
  expect(index.get('libc6')).toMatchObject({ source: 'glibc', sourceVersion: '2.36-9' });
});

describe('why a package is built', () => {
  const entry = { version: '1', key: 'k', file: 'f', sha256: 's', sizeBytes: 1 };
  const store = (entries: StoreEntry[]) => ({ dir: '/none', entries });

  test('the store does not know it', () => {
    expect(explainMiss(store([]), 'jq', 'x', {})).toBe('not in the store');
  });

  test('something changed since the newest build', () => {
    const old = { ...entry, name: 'jq', builtBy: '1.0.0', inputs: { gcc: '11' } };
    const newer = { ...entry, name: 'jq', builtBy: '1.1.0', inputs: { gcc: '12' } };
    expect(explainMiss(store([old, newer]), 'jq', 'x', { gcc: '13' })).toBe('gcc 12 -> 13 since 1.1.0');
  });

  test('the file does not have its digest', () => {
    const damaged = { ...entry, name: 'jq', builtBy: '1.0.0' };
    expect(explainMiss(store([damaged]), 'jq', 'k', {})).toBe('the one that 1.0.0 built is damaged in the store');
  });

  test('a store without details', () => {
    const plain = { ...entry, name: 'jq', builtBy: '1.0.0' };
    expect(explainMiss(store([plain]), 'jq', 'x', {})).toBe('its inputs changed since 1.0.0');
  });
});
