import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { expandProxyCommand, parseSshConfig } from '../../../lib/cache/ssh/user-config.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();

/** What ssh itself says of a host with this configuration. */
const ask = (host: string, ...lines: readonly string[]): string => {
  const file = writeFileAt(join(makeFolder(), 'config'), `${lines.join('\n')}\n`);
  return execFileSync('ssh', ['-F', file, '-G', '-l', 'me', '--', host], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString();
};

test('a host of which nothing is said', () => {
  const config = parseSshConfig(ask('cache.test'), 'cache.test', 'me');
  expect(config).toMatchObject({
    host: 'cache.test',
    port: 22,
    identitiesOnly: false,
    agentSocket: undefined,
    hostKeyAlias: undefined,
    proxyCommand: undefined,
  });
  const home = userInfo().homedir;
  expect(config.keys).toContain(`${home}/.ssh/id_ed25519`);
  expect(config.knownHosts).toEqual(expect.arrayContaining([`${home}/.ssh/known_hosts`, '/etc/ssh/ssh_known_hosts']));
});

test('an alias with everything', () => {
  const output = ask(
    'alias',
    'Host alias',
    'HostName 192.0.2.7',
    'Port 2222',
    'IdentityFile "~/.ssh/key of %r"',
    'IdentityFile /keys/%h',
    'IdentitiesOnly yes',
    'IdentityAgent ~/agent.sock',
    'UserKnownHostsFile ~/known /other/known',
    'GlobalKnownHostsFile none',
    'HostKeyAlias the-cache',
    'ProxyCommand nc -X 5 %h %p',
  );
  const home = userInfo().homedir;
  expect(parseSshConfig(output, 'alias', 'me')).toEqual({
    host: '192.0.2.7',
    port: 2222,
    keys: [`${home}/.ssh/key of me`, '/keys/192.0.2.7'],
    identitiesOnly: true,
    agentSocket: `${home}/agent.sock`,
    knownHosts: [`${home}/known`, '/other/known'],
    hostKeyAlias: 'the-cache',
    proxyCommand: 'nc -X 5 %h %p',
  });
});

test.each([
  ['jump.test', "ssh -o BatchMode=yes -W '[%h]:%p' ssh://jump.test"],
  ['you@one.test:2200,two.test', "ssh -o BatchMode=yes -J you@one.test:2200 -W '[%h]:%p' ssh://two.test"],
  ['none', undefined],
])('a way through other hosts: ProxyJump %s', (hops, command) => {
  const output = ask('cache.test', `ProxyJump ${hops}`);
  expect(parseSshConfig(output, 'cache.test', 'me').proxyCommand).toBe(command);
});

test('the tokens of a proxy command', () => {
  expect(expandProxyCommand("nc '[%h]:%p' %r 100%%", 'h.test', 2222, 'me')).toBe("nc '[h.test]:2222' me 100%");
});
