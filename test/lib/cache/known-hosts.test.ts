import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createHostKeyCheck } from '../../../lib/cache/ssh/host-key-check.ts';
import { findHostKeys, fingerprintOf, judgeHostKey, keyTypeOf } from '../../../lib/cache/ssh/known-hosts.ts';
import { makeSshKey } from '../../helpers/sshd.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();
const A = 'AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const B = 'AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB';
const state = (text: string, host: string, port: number, key = A) => judgeHostKey(findHostKeys(text, host, port), key);

describe('findHostKeys and judgeHostKey', () => {
  test('plain names, lists, patterns, ports', () => {
    const text = `# comment\n\ncache.test,10.0.0.1 ssh-ed25519 ${A} comment\n[other.test]:2222 ssh-ed25519 ${A}\n*.farm.test,!bad.farm.test ssh-ed25519 ${A}\n`;
    expect(state(text, 'cache.test', 22)).toBe('ok');
    expect(state(text, 'CACHE.test', 22)).toBe('ok');
    expect(state(text, '10.0.0.1', 22)).toBe('ok');
    expect(state(text, 'cache.test', 22, B)).toBe('changed');
    expect(state(text, 'other.test', 2222)).toBe('ok');
    expect(state(text, 'other.test', 22)).toBe('unknown');
    expect(state(text, 'w1.farm.test', 22)).toBe('ok');
    expect(state(text, 'bad.farm.test', 22)).toBe('unknown');
    expect(state(text, 'cacheXtest', 22)).toBe('unknown');
  });

  test('a host known without port is known on another port, too, as for ssh', () => {
    expect(state(`cache.test ssh-ed25519 ${A}\n`, 'cache.test', 2222)).toBe('ok');
    expect(state(`cache.test ssh-ed25519 ${A}\n[cache.test]:2222 ssh-ed25519 ${B}\n`, 'cache.test', 2222)).toBe(
      'changed',
    );
  });

  test('revoked keys and authorities', () => {
    expect(state(`cache.test ssh-ed25519 ${A}\n@revoked * ssh-ed25519 ${A}\n`, 'cache.test', 22)).toBe('revoked');
    expect(state(`@cert-authority * ssh-ed25519 ${A}\n`, 'cache.test', 22)).toBe('unknown');
    expect(state('cache.test\nmalformed ssh-ed25519\n', 'cache.test', 22)).toBe('unknown');
  });

  test('hashed names that ssh-keygen wrote', () => {
    const file = join(makeFolder(), 'known_hosts');
    writeFileSync(file, `cache.test ssh-ed25519 ${A}\n[cache.test]:2222 ssh-ed25519 ${B}\n`);
    copyFileSync(file, `${file}.plain`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('cache.test');
    expect(state(text, 'cache.test', 22)).toBe('ok');
    expect(state(text, 'cache.test', 2222, B)).toBe('ok');
    expect(state(text, 'cache.test', 2222, A)).toBe('changed');
    expect(state(text, 'other.test', 22)).toBe('unknown');
  });
});

test.each(['ed25519', 'ecdsa', 'rsa'])('fingerprint and type of an %s key are what ssh-keygen prints', (type) => {
  const file = makeSshKey(join(makeFolder(), 'key'), type);
  const [name = '', key = ''] = readFileSync(`${file}.pub`, 'utf8').split(' ');
  const printed = execFileSync('ssh-keygen', ['-lf', file]).toString();
  expect(printed).toContain(fingerprintOf(Buffer.from(key, 'base64')));
  expect(keyTypeOf(Buffer.from(key, 'base64'))).toBe(name);
});

test('algorithms of known keys are offered first', () => {
  const knownHosts = join(makeFolder(), 'known_hosts');
  writeFileSync(knownHosts, 'cache.test ssh-rsa AAAA\n');
  const check = createHostKeyCheck({ host: 'cache.test', port: 22, knownHosts: [knownHosts, `${knownHosts}.none`] });
  expect(check.algorithms.slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
});

test('the refusal tells the fingerprint, the file and what to do', () => {
  const knownHosts = join(makeFolder(), 'known_hosts');
  const check = createHostKeyCheck({ host: 'cache.test', port: 2222, knownHosts: [knownHosts] });
  const key = Buffer.from(A, 'base64');
  const error = check.check(key);
  expect(error?.message).toContain(fingerprintOf(key));
  expect(error?.message).toContain(knownHosts);
  expect(error?.hint).toContain(`echo '[cache.test]:2222 ssh-ed25519 ${A}' >> ${knownHosts}`);
});
