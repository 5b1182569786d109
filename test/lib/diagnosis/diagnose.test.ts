import { describe, expect, it } from '@jest/globals';
import { diagnose, failedCommandOf, KNOWN_CAUSES } from '../../../lib/diagnosis/index.ts';
import { slipwayError } from '../../../lib/errors/index.ts';

const failed = (lastOutput: string, exitCode = 1) =>
  slipwayError('COMMAND_FAILED', { command: ['x'], cwd: '/', exitCode, signal: undefined, lastOutput });

/**
 * What programs print. Most of it is recorded, and test/integration/diagnosis.test.ts makes them print it; of clock skew, git's login and
 * missing routes the texts are those that the programs are known for.
 */
const RECORDED: readonly (readonly [id: string, output: string])[] = [
  [
    'disk-full',
    'tar: ./usr/bin/x: Cannot write: No space left on device\ntar: Exiting with failure status due to previous errors',
  ],
  [
    'disk-full',
    "dpkg: error processing archive x.deb (--unpack):\n cannot copy extracted data for './x': failed to write (No space left on device)",
  ],
  ['engine-down', 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'],
  [
    'engine-down',
    'error during connect: Get "http://10.0.0.1:2375/v1.41/info": dial tcp 10.0.0.1:2375: connect: connection refused\nIs the docker daemon running?',
  ],
  [
    'engine-denied',
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied',
  ],
  [
    'engine-denied',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
  ],
  ['disk-full', 'tar: x.tar: Wrote only 4096 of 10240 bytes\ntar: Error is not recoverable: exiting now'],
  ['name-resolution', 'curl: (6) Could not resolve host: cache.example'],
  ['name-resolution', 'ssh: Could not resolve hostname cache.example: Name or service not known'],
  ['name-resolution', "E: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'"],
  [
    'name-resolution',
    'Error response from daemon: Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 127.0.0.53:53: server misbehaving',
  ],
  ['connection-refused', "curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server"],
  ['connection-refused', 'ssh: connect to host 127.0.0.1 port 2222: Connection refused'],
  [
    'no-route',
    "fatal: unable to access 'https://git.example/x/': Failed to connect to git.example port 443: Connection timed out",
  ],
  ['ssh-key', 'git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.'],
  ['ssh-key', 'core@cache: Permission denied (publickey,gssapi-keyex,gssapi-with-mic).'],
  [
    'host-key',
    'No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\nHost key verification failed.',
  ],
  ['clock', 'curl: (60) SSL certificate problem: certificate has expired'],
  [
    'clock',
    'E: Release file for http://deb.debian.org/debian/dists/bookworm/InRelease is not valid yet (invalid for another 3h 2min 1s).',
  ],
  ['clock', 'make: warning:  Clock skew detected.  Your build may be incomplete.'],
  ['certificate', 'curl: (60) SSL certificate problem: unable to get local issuer certificate'],
  ['certificate', 'x509: certificate signed by unknown authority'],
  ['certificate', "curl: (60) SSL: no alternative certificate subject name matches target host name 'cache'"],
  [
    'rate-limit',
    'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating',
  ],
  ['rate-limit', 'curl: (22) The requested URL returned error: 429'],
  ['out-of-memory', 'c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.'],
  ['out-of-memory', 'cc1: out of memory allocating 65536 bytes after a total of 1048576 bytes'],
  ['out-of-memory', './build.sh: line 3: 12345 Killed                  make'],
  ['read-only', 'mkdir: cannot create directory ‘/usr/x’: Read-only file system'],
  [
    'key-expired',
    'W: GPG error: http://x InRelease: The following signatures were invalid: EXPKEYSIG 0123456789ABCDEF X',
  ],
  ['key-expired', 'gpg: Note: This key has expired!'],
  ['git-identity', '*** Please tell me who you are.\n\nRun\n\n  git config --global user.email "you@example.com"'],
  ['git-identity', "fatal: unable to auto-detect email address (got 'root@host.(none)')"],
  [
    'push-rejected',
    " ! [rejected]        main -> main (non-fast-forward)\nerror: failed to push some refs to 'origin'",
  ],
  [
    'push-rejected',
    'remote: error: GH006: Protected branch update failed for refs/heads/main.\n ! [remote rejected] main -> main (protected branch hook declined)',
  ],
  ['git-login', "remote: Invalid username or password.\nfatal: Authentication failed for 'https://git.example/x/'"],
];

describe('the known troubles', () => {
  it.each(RECORDED)('%s: %s', (id, output) => expect(diagnose(failed(output))?.id).toBe(id));

  it('are each among the recorded ones, and named once', () => {
    const ids = KNOWN_CAUSES.map((known) => known.id);
    expect(new Set(RECORDED.map(([id]) => id))).toEqual(new Set(ids));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('say what to do in whole sentences', () => {
    for (const { cause, fix } of KNOWN_CAUSES) {
      expect(cause).toMatch(/^\p{Lu}?.*\.$/u);
      expect(fix.length).toBeGreaterThan(30);
    }
  });
});

describe('what is not among them', () => {
  it.each([
    'make: *** [Makefile:3: x] Error 2',
    'error: expected declaration or statement at end of input',
    // The words are there, but in the name of something that went well.
    'PASS test_429_items',
    '',
  ])('gets no cause: %s', (output) => {
    expect(diagnose(failed(output))).toBeUndefined();
  });

  it('neither does the command that was run, only what it printed', () => {
    const command = ['echo', 'No space left on device'];
    const facts = { command, cwd: '/No space left on device', exitCode: 1, signal: undefined, lastOutput: 'no' };
    expect(diagnose(slipwayError('COMMAND_FAILED', facts))).toBeUndefined();
  });
});

describe('several troubles', () => {
  it('what was printed last counts: the rest was overcome', () => {
    const output = 'curl: (7) Connection refused\nretrying ...\ntar: Cannot write: No space left on device';
    expect(diagnose(failed(output))?.id).toBe('disk-full');
  });

  it('an error speaks before the one underneath', () => {
    const inner = failed('tar: Cannot write: No space left on device');
    const problem = 'the host name is not known (ENOTFOUND)';
    const facts = { host: 'h', tries: 6, doing: 'upload', problem };
    expect(diagnose(slipwayError('CACHE_UNREACHABLE', facts, inner))?.id).toBe('name-resolution');
  });

  it('the one underneath speaks where the error says nothing', () => {
    const outer = new Error('it did not work', { cause: failed('mkdir: Read-only file system') });
    expect(diagnose(outer)?.id).toBe('read-only');
  });
});

describe('by other signs', () => {
  it.each([
    ['out-of-memory', failed('', 137)],
    [
      'out-of-memory',
      slipwayError('COMMAND_FAILED', {
        command: ['x'],
        cwd: '/',
        exitCode: undefined,
        signal: 'SIGKILL',
        lastOutput: '',
      }),
    ],
    ['ssh-key', slipwayError('CACHE_LOGIN', { host: 'h', port: 22, user: 'u', credentials: 'the key /k' })],
    ['disk-full', Object.assign(new Error('write failed'), { code: 'ENOSPC' })],
    [
      'key-expired',
      slipwayError('SIGNER_KEY_UNUSABLE', {
        signer: 's',
        signingKey: '/k',
        reason: 'the key 0123 expired on 2021-01-01',
      }),
    ],
  ] as const)('%s', (id, error) => expect(diagnose(error)?.id).toBe(id));

  it('an error that goes round in circles is no trouble', () => {
    const error = new Error('a');
    error.cause = new Error('b', { cause: error });
    expect(diagnose(error)).toBeUndefined();
  });
});

describe('the command that failed', () => {
  it('is found underneath', () => {
    const inner = slipwayError('COMMAND_FAILED', {
      command: ['docker', 'load'],
      cwd: '/work',
      exitCode: 1,
      signal: undefined,
      lastOutput: 'no',
      commandId: 7,
    });
    const outer = slipwayError('CONTAINER_NO_SPACE', { doing: 'loading', where: 'here' }, inner);
    expect(failedCommandOf(outer)).toEqual({ id: 7, command: ['docker', 'load'], cwd: '/work', lastOutput: 'no' });
    expect(failedCommandOf(new Error('none'))).toBeUndefined();
  });
});
