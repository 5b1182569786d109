import { describe, expect, test } from '@jest/globals';
import { assembleRsync, unquoteWord } from '../../../lib/cache/rsync/command.ts';
import { formatSshConfig } from '../../../lib/cache/rsync/outbox.ts';
import { watchProgress } from '../../../lib/cache/rsync/progress.ts';
import { RsyncBuilder } from '../../../lib/cache/rsync/wrapper.ts';
import { fc } from '../../helpers/fast-check.ts';

describe('unquoteWord', () => {
  test('undoes what the wrapper does, for any value of an option', () => {
    const value = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1, unit: fc.constantFrom(...'"\'`\\$ a=-'.split('')) }),
    );
    fc.assert(
      fc.property(value, (text) => {
        expect(new RsyncBuilder().set('rsh', text).args().map(unquoteWord)).toEqual([`--rsh=${text}`]);
      }),
    );
  });

  test('undoes what the wrapper does, for any name of a file', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: fc.constantFrom(...'"\'`\\$ ()\ta=-'.split('')) }), (text) => {
        expect(new RsyncBuilder().source(`/${text}`).destination(`/${text}`).args().map(unquoteWord)).toEqual([
          `/${text}`,
          `/${text}`,
        ]);
      }),
    );
  });
});

test('the command, as a list of arguments', () => {
  const command = assembleRsync({
    fromFolder: '/tmp/out/files',
    host: 'cache',
    toFolder: "/srv/it's a $cache/.staging",
    sshConfig: '/tmp/out/ssh_config',
    idleSeconds: 30,
  });
  expect(command).toEqual([
    'rsync',
    '-rLptgo',
    '--size-only',
    '--sparse',
    '--omit-dir-times',
    '--chmod=D0755,Fa+r',
    '--partial-dir=partial',
    '--timeout=30',
    '--info=progress2',
    '--no-human-readable',
    '--rsh=ssh -F /tmp/out/ssh_config',
    '/tmp/out/files/',
    "cache:/srv/it's a $cache/.staging/",
  ]);
});

test('the ssh configuration checks host keys strictly and never asks', () => {
  const settings = {
    host: 'h.test',
    port: 2222,
    user: 'u',
    sshKey: '/k',
    keys: [],
    identitiesOnly: false,
    agentSocket: undefined,
    knownHosts: ['/x'],
    hostKeyAlias: 'other.test',
    proxyCommand: 'nc %h %p',
  };
  const files = { keys: ['/tmp/o/key.0'], knownHosts: '/tmp/o/known_hosts.0' };
  const config = formatSshConfig(settings, files).split('\n');
  for (const line of [
    'HostName h.test',
    'Port 2222',
    'User u',
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    'IdentityFile /tmp/o/key.0',
    'IdentitiesOnly yes',
    'HostKeyAlias other.test',
    'ProxyCommand nc %h %p',
  ]) {
    expect(config).toContain(line);
  }
});

test('progress is read across chunk borders, and only ever grows', () => {
  const seen: number[] = [];
  const take = watchProgress((bytes) => seen.push(bytes));
  for (const chunk of [
    '      32768   3%  0.0',
    '0kB/s 0:00:00\r     98304  9%  1MB/s\r',
    '     98304 9% 1MB/s\n    100000 100%  x (xfr#1)\n',
  ]) {
    take(Buffer.from(chunk));
  }
  expect(seen).toEqual([32768, 65536, 1696]);
});
