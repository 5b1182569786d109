import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache } from '../../lib/cache/index.ts';
import { createLog, type LogEvent } from '../../lib/log/index.ts';
import { type CacheServer, docBlock, sshOptions, startCacheServer } from '../helpers/cache-server.ts';
import { commandLineOf, environmentOf, processIds } from '../helpers/processes.ts';
import { findFreePort } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, noise, ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';

jest.setTimeout(60_000);

// Accounts, a jail and mounts, all in a mount namespace of the test's own, take root.
const describeAsRoot = userInfo().uid === 0 ? describe : describe.skip;
const makeFolder = useTempFolders();

const byCode = (a: string, b: string): number => (a < b ? -1 : 1);
const SECRET = 'no-account-of-the-cache-may-read-this';

describeAsRoot('the restricted account of docs/cache-server.md', () => {
  let server: CacheServer;
  const logins: ChildProcess[] = [];
  const logged = makeFolder('login');
  const shared = (user: string): string => join(logged, user);

  beforeAll(async () => {
    server = await startCacheServer(makeFolder('server'));
    // Something to steal, readable for everybody, in the machine and in the cache.
    server.machine.run(`echo ${SECRET} > /srv/secret; echo ${SECRET} > /etc/secret; chmod 644 /srv/secret /etc/secret`);
    server.machine.run(`install -d -o bincache /srv/jail/srv/buildcache/a`);
    server.machine.run(`echo ${SECRET} > /srv/jail/srv/buildcache/a/artifact`);
    // One login for many commands: each is a session of its own, and what is asked of it passes by the same rules.
    for (const [user, key] of Object.entries({
      bincache: server.keys.publisher,
      'bincache-replica': server.keys.replica,
    })) {
      const options = [...sshOptions(server, key), '-p', port(), '-M', '-S', shared(user), '-N', target(user)];
      logins.push(spawn('ssh', options, { stdio: 'ignore' }));
      while (!existsSync(shared(user))) await sleep(20);
    }
  }, 60_000);

  afterAll(async () => {
    for (const login of logins) login.kill();
    await server.stop();
  });

  /** Runs a client program of OpenSSH or rsync against the server. */
  const attack = (program: string, args: readonly string[], input = '') => {
    const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 30_000 });
    return { status, output: `${stdout}${stderr}` };
  };
  const target = (user = 'bincache'): string => `${user}@127.0.0.1`;
  const port = (): string => String(server.sshPort);
  const ssh = (...words: readonly string[]) => attack('ssh', [...sshOptions(server), '-p', port(), ...words]);
  const remote = (command: string, user = 'bincache', key = server.keys.publisher) =>
    attack('ssh', [...sshOptions(server, key), '-S', shared(user), '-p', port(), target(user), command]);
  const sftp = (...lines: readonly string[]) =>
    attack(
      'sftp',
      [...sshOptions(server), '-o', `ControlPath=${shared('bincache')}`, '-P', port(), '-b', '-', target()],
      `${lines.join('\n')}\n`,
    );
  const rsync = (...args: readonly string[]) =>
    attack('rsync', ['-e', `ssh ${sshOptions(server).join(' ')} -p ${port()}`, ...args]);

  describe('does what publishing needs', () => {
    test('publish, list, replace, verify, remove, with odd names, and nothing is left in the staging folder', async () => {
      const work = makeFolder('work');
      const store = server.open();
      const uploads = ODD_NAMES.map((name) => ({
        file: writeFileAt(join(work, name), name),
        path: `odd/in ${name}/${name}`,
      }));
      await store.publish(uploads);
      for (const name of ODD_NAMES) {
        expect(readFileSync(join(server.root, 'odd', `in ${name}`, name), 'utf8')).toBe(name);
        expect(statSync(join(server.root, 'odd', `in ${name}`)).mode & 0o777).toBe(0o755);
      }
      await expect(store.list('odd')).resolves.toEqual(ODD_NAMES.map((name) => `in ${name}`).sort(byCode));
      const big = writeFileAt(join(work, 'big'), noise(5_000_000));
      await store.publish([{ file: big, path: 'big' }]);
      expect(digestOf(join(server.root, 'big'))).toBe(digestOf(big));
      await store.publish([{ file: writeFileAt(join(work, 'small'), 'small'), path: 'big' }]);
      expect(readFileSync(join(server.root, 'big'), 'utf8')).toBe('small');
      await store.remove('odd');
      await store.remove('big');
      expect(existsSync(join(server.root, 'odd'))).toBe(false);
      expect(listTree(join(server.root, '.staging'))).toEqual([]);
    });

    test('a set with links, locked against a second publisher of the same folder', async () => {
      const work = makeFolder('work');
      const sets = ['one', 'two'].map((seed) => {
        const folder = makeFolder(seed);
        symlinkSync('image', join(folder, 'latest'));
        return ['image', 'image.id']
          .map((name) => writeFileAt(join(folder, name), noise(50_000, seed + name)))
          .concat(join(folder, 'latest'));
      });
      const publish = (files: readonly string[]) =>
        createArtifactCache({ store: server.open({}, { tempFolder: work }) }).publish({
          folder: 'links',
          files,
          last: ['image.id'],
          digests: false,
        });
      await Promise.all(sets.map(publish));
      const winner = sets.find(([image = '']) => digestOf(image) === digestOf(join(server.root, 'links/image'))) ?? [];
      expect(digestOf(join(server.root, 'links/image.id'))).toBe(digestOf(winner[1] ?? ''));
      expect(digestOf(join(server.root, 'links/latest'))).toBe(digestOf(winner[0] ?? ''));
      expect(listTree(join(server.root, '.staging'))).toEqual([]);
      await server.open().remove('links');
    });
  });

  test('no process shows the key, in its arguments or its environment, nor does the log', async () => {
    const secrets = readFileSync(server.keys.publisher, 'utf8')
      .split('\n')
      .filter((line) => /^[\w+/=]{20,}$/.test(line));
    expect(secrets.length).toBeGreaterThan(2);
    const events: LogEvent[] = [];
    const store = server.open({}, { log: createLog((event) => events.push(event)) });
    const file = writeFileAt(join(makeFolder(), 'f'), noise(20_000_000));
    let isDone = false;
    const work = store.publish([{ file, path: 'watched' }]).finally(() => {
      isDone = true;
    });
    const seen = new Set<string>();
    while (!isDone) {
      for (const pid of processIds()) seen.add([commandLineOf(pid), ...environmentOf(pid)].join('\n'));
      await sleep(5);
    }
    await work;
    const all = [...seen].join('\n') + JSON.stringify(events);
    expect(all).toContain('slipway-outbox-');
    for (const secret of secrets) expect(all.includes(secret)).toBe(false);
    await store.remove('watched');
  });

  describe('refuses every command that is not of the cache', () => {
    test.each([
      'id',
      '/bin/sh',
      'cat /srv/buildcache/a/artifact',
      'rsync --server --sender -logDtpre.iLsfxCIvu . /etc/',
      'rsync --server --sender -logDtpre.iLsfxCIvu . /srv/buildcache/',
      'rsync --server --sender -re.iLsfxCIvu . /srv/buildcache/a/artifact',
      'rsync --server --daemon .',
      'rsync --server -re.iLsfxCIvu . ../../etc',
      'rsync --server -re.iLsfxCIvu . /srv/buildcache/.staging/../a/',
      'rsync --server -re.iLsfxCIvu . /srv/buildcache/',
      'rsync --server -re.iLsfxCIvu . /srv/buildcache/.staging/ /etc/',
      'rsync --server -rle.iLsfxCIvu . /srv/buildcache/.staging/',
      'rsync --server -rDe.iLsfxCIvu . /srv/buildcache/.staging/',
      'rsync --server -rse.iLsfxCIvu . /srv/buildcache/.staging/',
      'rsync --server -r . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --log-file=/srv/buildcache/log . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --delete . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --copy-dest /etc . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --link-dest=/etc . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --partial-dir /etc . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --partial-dir',
      'rsync --server -re.iLsfxCIvu --timeout=1;id . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu --timeout=x . /srv/buildcache/.staging/',
      'rsync --server',
      'rsync --server -re.iLsfxCIvu . /srv/buildcache/.staging/; id',
      'rsync --server -re.$(id) . /srv/buildcache/.staging/',
      'rsync --server -re.iLsfxCIvu . /srv/buildcache/.staging/\nid',
      'rsync  --config=/etc/passwd localhost::x',
      '/usr/lib/openssh/sftp-server -R',
      '/usr/lib/openssh/sftp-server -d /etc',
      'internal-sftp; id',
      'scp -f /srv/buildcache/a/artifact',
      'scp -t /srv/buildcache/.staging',
      'true\nid',
    ])('%j', (command) => {
      const { status, output } = remote(command);
      expect(output).toMatch(/^cache-command: refused: /);
      expect(output).not.toMatch(new RegExp(`uid=|${SECRET}|root:`));
      expect(status).toBe(126);
    });

    test('a shell, with and without a terminal, which is not given either', () => {
      for (const [flag, reason] of [
        ['-T', 'cache-command: refused: there is no shell here'],
        ['-tt', 'PTY allocation request failed'],
      ] as const) {
        const { output, status } = attack('ssh', [...sshOptions(server), '-p', port(), flag, target()], 'id\nexit\n');
        expect(output).toContain(reason);
        expect(output).not.toContain('uid=');
        expect(status).not.toBe(0);
      }
    });

    test('another key, and a password, do not log in', () => {
      for (const [user, key] of [
        ['bincache', server.keys.foreign],
        ['bincache-replica', server.keys.publisher],
      ] as const) {
        const { output } = attack('ssh', [...sshOptions(server, key), '-p', port(), target(user), 'id']);
        expect(output).toContain('Permission denied (publickey)');
      }
    });

    test('an rsync to another place than the staging folder, and one that reads', () => {
      const file = writeFileAt(join(makeFolder(), 'f'), 'x');
      expect(rsync('-r', file, `${target()}:/srv/buildcache/`).output).toContain('cache-command: refused');
      expect(rsync('-r', file, `${target()}:/etc/`).output).toContain('cache-command: refused');
      expect(rsync('-a', file, `${target()}:/srv/buildcache/.staging/`).output).toContain('refused: rsync option -');
      const to = makeFolder('stolen');
      expect(rsync('-r', `${target()}:/srv/buildcache/a/`, to).output).toContain('cache-command: refused');
      expect(listTree(to)).toEqual([]);
    });

    test('scp, in its old way and over SFTP', () => {
      const to = join(makeFolder('stolen'), 'f');
      for (const way of ['-O', '-s']) {
        const got = attack('scp', [
          way,
          ...sshOptions(server),
          '-P',
          port(),
          `${target()}:/srv/buildcache/a/artifact`,
          to,
        ]);
        expect(got.status).not.toBe(0);
        expect(existsSync(to) ? readFileSync(to, 'utf8') : '').toBe('');
        rmSync(to, { force: true });
        const file = writeFileAt(join(makeFolder(), 'f'), SECRET);
        attack('scp', [way, ...sshOptions(server), '-P', port(), file, `${target()}:/srv/buildcache/scp-${way}`]);
        const put = join(server.root, `scp-${way}`);
        expect(existsSync(put) ? readFileSync(put, 'utf8') : '').toBe('');
      }
    });
  });

  describe('cannot reach what is not the cache', () => {
    test('SFTP reads and writes no byte of any file, in the cache or not', () => {
      const to = makeFolder('stolen');
      for (const path of [
        '/srv/buildcache/a/artifact',
        '/etc/passwd',
        '/usr/bin/rsync',
        '/cache-command',
        '../../../etc/passwd',
      ]) {
        expect(sftp(`get ${path} ${to}/f`).status).not.toBe(0);
        expect(existsSync(join(to, 'f')) ? statSync(join(to, 'f')).size : 0).toBe(0);
      }
      const file = writeFileAt(join(makeFolder(), 'f'), SECRET);
      expect(sftp(`put ${file} /srv/buildcache/put`).status).not.toBe(0);
      const put = join(server.root, 'put');
      expect(existsSync(put) ? statSync(put).size : 0).toBe(0);
    });

    test('the files of the system are not there', () => {
      expect(
        sftp('ls -1 /')
          .output.split('\n')
          .filter((line) => line.startsWith('/'))
          .sort(byCode),
      ).toEqual([
        '/bin',
        '/cache-command',
        '/dev',
        '/etc',
        '/lib',
        ...(existsSync('/lib64') ? ['/lib64'] : []),
        '/srv',
        '/usr',
      ]);
      for (const path of ['/etc/secret', '/srv/secret', '/etc/shadow', '/proc', '/root', '/home', '/../etc/secret'])
        expect(sftp(`ls ${path}`).output).toMatch(/not found|No such file/i);
      expect(sftp('ls /etc').output).toContain('/etc/passwd');
      expect(readFileSync(join(server.machine.srv, 'jail/etc/passwd'), 'utf8')).not.toContain('root:');
    });

    test('nothing outside of the cache can be made, changed or removed', () => {
      for (const line of [
        'mkdir /new',
        'mkdir /etc/new',
        'mkdir /srv/new',
        'symlink /etc /srv/link',
        'rename /cache-command /srv/buildcache/stolen',
        'rename /srv/buildcache /srv/other',
        'rm /cache-command',
        'rm /etc/passwd',
        'chmod 777 /srv',
        'chmod 777 /cache-command',
        'ln /etc/passwd /srv/buildcache/hard',
        'rename /etc /srv/buildcache/etc',
      ]) {
        expect([line, sftp(line).status]).not.toEqual([line, 0]);
      }
      expect(readdirSync(join(server.machine.srv, 'jail/srv'))).toEqual(['buildcache']);
      expect(existsSync(join(server.root, 'hard'))).toBe(false);
    });

    test('a link out of the cache leads nowhere', async () => {
      expect(
        sftp('symlink /etc/secret /srv/buildcache/to-file', 'symlink ../../../../.. /srv/buildcache/up').status,
      ).toBe(0);
      expect(sftp('ls /srv/buildcache/up/etc/secret').output).toMatch(/not found|No such file/i);
      expect(sftp('ls /srv/buildcache/up/root').output).toMatch(/not found|No such file/i);
      const to = makeFolder('stolen');
      expect(sftp(`get /srv/buildcache/to-file ${to}/f`).status).not.toBe(0);
      expect(rsync('-rL', `${target()}:/srv/buildcache/`, to).status).not.toBe(0);
      const pulled = attack('rsync', [
        '-rL',
        '-e',
        `ssh ${sshOptions(server, server.keys.replica).join(' ')} -p ${port()}`,
        `${target('bincache-replica')}:/srv/buildcache/`,
        to,
      ]);
      expect(pulled.output).not.toContain(SECRET);
      expect(existsSync(join(to, 'to-file'))).toBe(false);
      expect(existsSync(join(to, 'up/etc'))).toBe(false);
      // The staging folder itself turned into a link: rsync writes nothing outside, either.
      expect(sftp('rmdir /srv/buildcache/.staging', 'symlink /etc /srv/buildcache/.staging').status).toBe(0);
      const file = writeFileAt(join(makeFolder(), 'f'), 'x');
      await expect(server.open().publish([{ file, path: 'x/y' }])).rejects.toMatchObject({ kind: 'failure' });
      expect(readdirSync(join(server.machine.srv, 'jail/etc'))).toEqual(['passwd']);
      sftp('rm /srv/buildcache/.staging', 'rm /srv/buildcache/to-file', 'rm /srv/buildcache/up');
      await server.open().publish([{ file, path: 'x/y' }]);
      await server.open().remove('x');
    });
  });

  describe('forwards nothing', () => {
    /** Holds an SFTP session open with a kind of forwarding; gives what is said, and what `during` sees meanwhile. */
    const withForwarding = async (options: readonly string[], during: () => Promise<string>, env = process.env) => {
      const child = spawn('ssh', [...sshOptions(server), '-p', port(), ...options, '-s', target(), 'sftp'], { env });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      // SSH_FXP_INIT, version 3: its answer tells that the session is there.
      child.stdin.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
      await new Promise((resolve) => {
        child.stdout.once('data', resolve);
        child.once('exit', resolve);
      });
      const seen = await during();
      if (child.exitCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill();
        await ended;
      }
      return { said, seen };
    };

    const curl = async (...args: readonly string[]): Promise<string> => {
      const { status, stdout } = spawnSync('curl', ['-sS', '--max-time', '5', ...args], { encoding: 'utf8' });
      return `${status} ${stdout}`;
    };

    test('a port of the server (-L), a stream (-W), a proxy (-D)', async () => {
      const { createServer } = await import('node:http');
      const inside = createServer((_request, response) => response.end(SECRET));
      await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
      const address = inside.address();
      const webPort = typeof address === 'object' && address ? address.port : 0;
      const local = await findFreePort();
      const get = `GET / HTTP/1.0\r\n\r\n`;
      const byL = await withForwarding(['-L', `${local}:127.0.0.1:${webPort}`], () => request(local, get));
      expect(byL.seen).not.toContain(SECRET);
      expect(byL.said).toContain('administratively prohibited');
      const socks = await findFreePort();
      const byD = await withForwarding(['-D', String(socks)], () =>
        curl('--socks5', `127.0.0.1:${socks}`, `http://127.0.0.1:${webPort}/`),
      );
      expect(byD.seen).not.toContain(SECRET);
      expect(byD.said).toContain('administratively prohibited');
      const byW = attack('ssh', [...sshOptions(server), '-p', port(), '-W', `127.0.0.1:${webPort}`, target()], get);
      expect(byW.output).toMatch(/administratively prohibited|forwarding failed/);
      expect(byW.output).not.toContain(SECRET);
      const socket = join(makeFolder('socket'), 's');
      const there = join(makeFolder('socket'), 'there');
      const insideToo = createServer((_request, response) => response.end(SECRET));
      await new Promise<void>((resolve) => insideToo.listen(there, resolve));
      const byU = await withForwarding(['-L', `${socket}:${there}`], () => curl('--unix-socket', socket, 'http://x/'));
      expect(byU.seen).not.toContain(SECRET);
      expect(byU.said).toContain('open failed');
      insideToo.close();
      inside.close();
    });

    const request = async (toPort: number, text: string): Promise<string> => {
      const { connect } = await import('node:net');
      return new Promise((resolve) => {
        let answer = '';
        const socket = connect(toPort, '127.0.0.1', () => socket.write(text));
        socket.on('data', (chunk) => {
          answer += chunk.toString();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(answer));
      });
    };

    test('a port to here (-R), a tunnel device (-w)', () => {
      const byR = ssh('-o', 'ExitOnForwardFailure=yes', '-N', '-R', '0:127.0.0.1:1', target());
      expect(byR.output).toMatch(/remote port forwarding failed/);
      const byW = ssh('-o', 'ExitOnForwardFailure=yes', '-N', '-w', '0:0', target());
      expect(byW.status).not.toBe(0);
    });

    test('the agent (-A) and X11 (-Y)', async () => {
      const agentSocket = join(makeFolder('agent'), 'socket');
      const agent = execFileSync('ssh-agent', ['-a', agentSocket, '-s']).toString();
      try {
        const env = { PATH: process.env.PATH, SSH_AUTH_SOCK: agentSocket, DISPLAY: '127.0.0.1:99' };
        const { said, seen } = await withForwarding(
          ['-v', '-A', '-Y'],
          async () =>
            server.machine.run(
              'find /tmp /run -maxdepth 2 -type s -name "agent.*" -user bincache 2>/dev/null || true; find /srv/jail -xdev -type s',
            ),
          env,
        );
        expect(said).toContain('Requesting authentication agent forwarding');
        expect(said).toContain('X11 forwarding request failed');
        expect(seen).toBe('');
      } finally {
        process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]));
      }
    });

    test('sshd itself says so for both accounts', () => {
      for (const user of ['bincache', 'bincache-replica']) {
        const settings = server.machine.run(`/usr/sbin/sshd -T -C user=${user},host=h,addr=127.0.0.1`).split('\n');
        expect(settings).toEqual(
          expect.arrayContaining([
            'disableforwarding yes',
            'allowtcpforwarding no',
            'allowstreamlocalforwarding no',
            'allowagentforwarding no',
            'x11forwarding no',
            'permittunnel no',
            'permittty no',
            'permituserrc no',
            'authenticationmethods publickey',
            'chrootdirectory /srv/jail',
          ]),
        );
      }
      const others = server.machine.run('/usr/sbin/sshd -T -C user=root,host=h,addr=127.0.0.1');
      expect(others).toContain('permittty yes');
      expect(others).toContain('forcecommand none');
    });
  });

  describe('the account of the replica', () => {
    const asReplica = (command: string) => remote(command, 'bincache-replica', server.keys.replica);

    test.each([
      'id',
      '/usr/lib/openssh/sftp-server',
      'internal-sftp',
      'rsync --server -logtpre.iLsfxCIvu . /srv/buildcache/',
      'rsync --server --sender -re.iLsfxCIvu . /etc/',
      'rsync --server --sender -re.iLsfxCIvu . /srv/buildcache/ /usr/',
      'rsync --server --sender -re.iLsfxCIvu . /srv/buildcache/../../etc/',
      'rsync --server --sender -rLe.iLsfxCIvu . /srv/buildcache/',
      'rsync --server --sender -rke.iLsfxCIvu . /srv/buildcache/',
      'rsync --server --sender -re.iLsfxCIvu --copy-unsafe-links . /srv/buildcache/',
      'rsync --server --sender -re.iLsfxCIvu --remove-source-files . /srv/buildcache/',
      'rsync --server --sender -re.iLsfxCIvu --log-file=/x . /srv/buildcache/',
    ])('refuses %j', (command) => {
      const { status, output } = asReplica(command);
      expect(output).toMatch(/^cache-command: refused: /);
      expect(status).toBe(126);
    });
  });

  describe('host keys', () => {
    test('the fingerprint of the console is the one of the scanned key, and of the refusal when it was not pinned', async () => {
      const console = server.machine.run(docBlock('fingerprint')).split(' ')[1] ?? '';
      const scanned = execFileSync('ssh-keygen', ['-lf', server.knownHosts]).toString();
      expect(scanned).toContain(console);
      const empty = writeFileAt(join(makeFolder(), 'known_hosts'), '');
      const file = writeFileAt(join(makeFolder(), 'f'), 'x');
      const publish = (knownHosts: string) => server.open({ knownHosts }).publish([{ file, path: 'keys/f' }]);
      const unknown = await publish(empty).catch((error: unknown) => error);
      expect(unknown).toMatchObject({ code: 'CACHE_HOST_KEY', message: expect.stringContaining(console) });
      // The refusal's own words confirm the key.
      const words = (unknown as { hint: string }).hint.split('If it is the one above: ')[1] ?? '';
      expect(words).not.toBe('');
      execFileSync('sh', ['-euc', words]);
      await publish(empty);
      await server.open().remove('keys');
    });

    test('a changed one is refused, and confirmed by the words of the refusal', async () => {
      const other = readFileSync(`${server.keys.foreign}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
      const knownHosts = writeFileAt(join(makeFolder(), 'known_hosts'), `[127.0.0.1]:${server.sshPort} ${other}\n`);
      const file = writeFileAt(join(makeFolder(), 'f'), 'x');
      const publish = () => server.open({ knownHosts }).publish([{ file, path: 'keys/f' }]);
      const changed = await publish().catch((error: unknown) => error);
      expect(changed).toMatchObject({ code: 'CACHE_HOST_KEY', data: { problem: 'changed' } });
      expect(existsSync(join(server.root, 'keys/f'))).toBe(false);
      execFileSync('sh', ['-euc', (changed as { hint: string }).hint.split('If it is the one above: ')[1] ?? 'false'], {
        stdio: 'pipe',
      });
      await publish();
      await server.open().remove('keys');
    });

    test('an authority of host keys does not count', async () => {
      const ca = readFileSync(`${server.keys.foreign}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
      const knownHosts = writeFileAt(join(makeFolder(), 'known_hosts'), `@cert-authority * ${ca}\n`);
      const file = writeFileAt(join(makeFolder(), 'f'), 'x');
      await expect(server.open({ knownHosts }).publish([{ file, path: 'keys/f' }])).rejects.toMatchObject({
        code: 'CACHE_HOST_KEY',
        data: { problem: 'unknown' },
      });
    });
  });

  test('nothing of the test is on this machine', () => {
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain('bincache');
    expect(existsSync('/srv/jail')).toBe(false);
    mkdirSync(join(server.machine.srv, 'probe'));
    writeFileSync(join(server.machine.srv, 'probe', 'x'), '');
    expect(server.machine.run('ls /srv/probe').trim()).toBe('x');
  });
});
