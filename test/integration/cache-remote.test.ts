import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  type CacheStore,
  createArtifactCache,
  createStore,
  type StoreParts,
  type StoreSettings,
} from '../../lib/cache/index.ts';
import { createLog, type LogEvent } from '../../lib/log/index.ts';
import { createRunner, type Runner } from '../../lib/process/index.ts';
import {
  makeCertificates,
  startHttpsServer,
  type TestCertificates,
  type TestHttpsServer,
} from '../helpers/https-server.ts';
import { findFreePort, makeSshKey, startSshd, type TestSshd } from '../helpers/sshd.ts';
import { startProxy } from '../helpers/sshd-proxy.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, noise, ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';
import { startPublisher } from '../helpers/temp-publisher.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);
const PATIENCE = { tries: 4, firstDelayMs: 30, idleMs: 3000 };

let certificates: TestCertificates;
let sshd: TestSshd;
let root: string;
let https: TestHttpsServer;
const stores: CacheStore[] = [];

beforeAll(async () => {
  certificates = makeCertificates(makeFolder('pki'));
  // The prefix needs quoting on the way, and is not there before the first upload.
  root = join(makeFolder('root'), "the cache's $HOME", 'prefix');
  mkdirSync(root, { recursive: true });
  https = await startHttpsServer(root, certificates);
  sshd = await startSshd({ folder: makeFolder('sshd') });
}, 30_000);

afterAll(async () => {
  await sshd.stop();
  await https.stop();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

const settingsOf = (more: Partial<StoreSettings> = {}): StoreSettings => ({
  server: '127.0.0.1',
  user: sshd.user,
  pathPrefix: root,
  sshPort: sshd.port,
  sshKey: sshd.clientKey,
  knownHosts: sshd.knownHosts,
  url: https.url,
  caFile: certificates.caFile,
  dir: '',
  ...more,
});

const open = (more: Partial<StoreSettings> = {}, parts: Partial<StoreParts> = {}): CacheStore => {
  const store = createStore(settingsOf(more), { runner, patience: PATIENCE, tempFolder: makeFolder('temp'), ...parts });
  stores.push(store);
  return store;
};

const stagingOf = (prefix = root): string[] =>
  existsSync(join(prefix, '.staging')) ? listTree(join(prefix, '.staging')) : [];

/** A known_hosts file with other text. */
const knownHostsWith = (text: string): string => writeFileAt(join(makeFolder(), 'known_hosts'), text);

describe('up by rsync, down by HTTPS', () => {
  test('odd names, modes, times, listing, removal', async () => {
    const store = open();
    const work = makeFolder('work');
    const tempFolder = makeFolder('temp');
    const uploads = ODD_NAMES.map((name) => ({
      file: writeFileAt(join(work, name), name),
      path: `odd/in ${name}/${name}`,
    }));
    chmodSync(uploads[0]?.file ?? '', 0o400);
    chmodSync(uploads[1]?.file ?? '', 0o750);
    const made = new Date('2020-02-02T02:02:02.5Z');
    utimesSync(uploads[0]?.file ?? '', made, made);
    let bytes = 0;
    const onBytes = (count: number): void => {
      bytes += count;
    };
    await open({}, { tempFolder }).publish(uploads, { onBytes });
    expect(statSync(join(root, uploads[0]?.path ?? '')).mtimeMs).toBe(made.getTime());
    for (const [at, name] of ODD_NAMES.entries()) {
      const published = join(root, 'odd', `in ${name}`, name);
      expect(readFileSync(published, 'utf8')).toBe(name);
      expect(statSync(published).mode & 0o777).toBe([0o444, 0o754][at] ?? 0o644);
      expect(statSync(join(root, 'odd', `in ${name}`)).mode & 0o777).toBe(0o755);
      const to = join(makeFolder(), 'to');
      await store.download(`odd/in ${name}/${name}`, to);
      expect(readFileSync(to, 'utf8')).toBe(name);
      await expect(store.size(`odd/in ${name}/${name}`)).resolves.toBe(Buffer.byteLength(name));
    }
    await expect(store.list('odd')).resolves.toEqual(ODD_NAMES.map((name) => `in ${name}`).sort(byCode));
    await expect(store.list('none')).resolves.toEqual([]);
    expect(bytes).toBe(ODD_NAMES.reduce((sum, name) => sum + Buffer.byteLength(name), 0));
    expect(stagingOf()).toEqual([]);
    expect(listTree(tempFolder)).toEqual([]);
    await store.remove('odd');
    await store.remove('odd');
    expect(existsSync(join(root, 'odd'))).toBe(false);
    expect(stagingOf()).toEqual([]);
  });

  test('a set of a few kilobytes needs no rsync, and is as complete; a larger one does', async () => {
    const commands: string[] = [];
    const watching: Runner = {
      ...runner,
      start: (command, options) => {
        commands.push(command[0]);
        return runner.start(command, options);
      },
    };
    const store = open({}, { runner: watching });
    const file = writeFileAt(join(makeFolder('work'), 'statement'), noise(50_000));
    chmodSync(file, 0o640);
    const made = new Date('2020-02-02T02:02:02Z');
    utimesSync(file, made, made);
    await store.publish([{ file, path: 'small/statement' }]);
    expect(commands).not.toContain('rsync');
    const published = join(root, 'small/statement');
    expect(digestOf(published)).toBe(digestOf(file));
    expect(statSync(published).mode & 0o777).toBe(0o644);
    expect(statSync(published).mtimeMs).toBe(made.getTime());
    const large = writeFileAt(join(makeFolder('work'), 'large'), noise(200_000));
    await store.publish([{ file: large, path: 'small/large' }]);
    expect(commands.filter((program) => program === 'rsync')).toHaveLength(1);
    expect(stagingOf()).toEqual([]);
  });

  test('a prefix that is not there yet is made when its parent is there; a sparse file stays sparse', async () => {
    const pathPrefix = join(root, 'new prefix');
    const file = join(makeFolder(), 'disk');
    writeFileSync(file, noise(100_000));
    truncateSync(file, 50 * 1024 * 1024);
    await open({ pathPrefix }).publish([{ file, path: 'images/disk' }]);
    expect(digestOf(join(pathPrefix, 'images/disk'))).toBe(digestOf(file));
    expect(statSync(join(pathPrefix, 'images/disk')).blocks * 512).toBeLessThan(2 * 1024 * 1024);
  });

  test('an artifact cache on it: digests, replacing, verified fetching', async () => {
    const cache = createArtifactCache({ store: open(), secondTryMs: 10 });
    const file = writeFileAt(join(makeFolder('work'), 'image.bin'), noise(300_000));
    const [record] = await cache.publish({ folder: 'images/1', files: [file] });
    const to = makeFolder('to');
    const { sizeBytes, sha256 } = record ?? {};
    await expect(cache.fetch('images/1/image.bin', to)).resolves.toMatchObject({ sizeBytes, sha256 });
    const before = statSync(join(root, 'images/1/image.bin')).ino;
    await cache.publish({ folder: 'images/1', files: [file] });
    expect(statSync(join(root, 'images/1/image.bin')).ino).toBe(before);

    writeFileSync(join(root, 'images/1/image.bin'), noise(300_000, 'tampered'));
    await expect(cache.fetch('images/1/image.bin', makeFolder('to'))).rejects.toMatchObject({
      code: 'ARTIFACT_DIGEST_MISMATCH',
    });
    rmSync(join(root, 'images/1/image.bin.DIGESTS'));
    await expect(cache.fetch('images/1/image.bin', to)).rejects.toMatchObject({ code: 'ARTIFACT_DIGESTS_MISSING' });
  });
});

describe('symbolic links', () => {
  test('arrive as links, dangling or not, and are read through over HTTPS', async () => {
    const cache = createArtifactCache({ store: open(), secondTryMs: 10 });
    const set = makeFolder('set');
    const file = writeFileAt(join(set, 'openstack.bz2'), noise(20_000));
    symlinkSync('openstack.bz2', join(set, 'brightbox.bz2'));
    symlinkSync('gone.bz2', join(set, 'dangling.bz2'));
    mkdirSync(join(set, "sub $x's"));
    symlinkSync('../openstack.bz2', join(set, "sub $x's", 'a link'));
    for (const _again of [1, 2]) {
      const records = await cache.publish({ folder: 'links', files: [set] });
      expect(records.map(({ path }) => path)).toEqual([
        'links/brightbox.bz2',
        'links/openstack.bz2',
        "links/sub $x's/a link",
      ]);
    }
    expect(readlinkSync(join(root, 'links/brightbox.bz2'))).toBe('openstack.bz2');
    expect(readlinkSync(join(root, 'links/dangling.bz2'))).toBe('gone.bz2');
    expect(readlinkSync(join(root, "links/sub $x's/a link"))).toBe('../openstack.bz2');
    const to = makeFolder('to');
    await cache.fetch('links/brightbox.bz2', to);
    await cache.fetch("links/sub $x's/a link", to);
    for (const name of ['brightbox.bz2', 'a link']) expect(digestOf(join(to, name))).toBe(digestOf(file));
    await expect(cache.hasAll(['links/dangling.bz2'])).resolves.toBe(false);
    expect(stagingOf()).toEqual([]);
  });

  test('take the place of files and give it to files, and only they are removed', async () => {
    const store = open();
    const work = makeFolder('work');
    const file = writeFileAt(join(work, 'f'), 'bytes');
    symlinkSync('target', join(work, 'link'));
    const link = { file: join(work, 'link'), path: 'swap/x', linkTarget: 'target' };
    await store.publish([
      { file, path: 'swap/target' },
      { file, path: 'swap/x' },
    ]);
    await store.publish([link]);
    expect(readlinkSync(join(root, 'swap/x'))).toBe('target');
    await store.publish([{ file, path: 'swap/x' }]);
    expect(lstatSync(join(root, 'swap/x')).isFile()).toBe(true);
    await store.publish([{ ...link, linkTarget: '../swap' }]);
    await store.remove('swap/x');
    expect(listTree(join(root, 'swap'))).toEqual(['target']);
    expect(stagingOf()).toEqual([]);
  });
});

describe('host keys', () => {
  const file = () => writeFileAt(join(makeFolder(), 'f'), 'x');
  const refusal = async (store: CacheStore) => {
    const error = await store.publish([{ file: file(), path: 'refused' }]).catch((one: unknown) => one);
    await expect(store.list('')).rejects.toMatchObject({ code: 'CACHE_HOST_KEY' });
    expect(existsSync(join(root, 'refused'))).toBe(false);
    return error;
  };

  test('an unknown one is refused, with its fingerprint and what to do', async () => {
    const knownHosts = knownHostsWith('other.test ssh-ed25519 AAAA\n');
    const fingerprint = execFileSync('ssh-keygen', ['-lf', sshd.knownHosts]).toString().split(' ')[1];
    await expect(refusal(open({ knownHosts }))).resolves.toMatchObject({
      code: 'CACHE_HOST_KEY',
      kind: 'failure',
      data: { host: '127.0.0.1', port: sshd.port, problem: 'unknown', keyType: 'ssh-ed25519', fingerprint, knownHosts },
      hint: expect.stringContaining(`'[127.0.0.1]:${sshd.port} ${sshd.hostKey}' >> ${knownHosts}`),
    });
  });

  test('a changed one is refused, with both fingerprints', async () => {
    const other = readFileSync(`${sshd.foreignKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    const knownHosts = knownHostsWith(`[127.0.0.1]:${sshd.port} ${other}\n`);
    await expect(refusal(open({ knownHosts }))).resolves.toMatchObject({
      data: { problem: 'changed', expected: [expect.stringMatching(/^ssh-ed25519 SHA256:/)] },
      hint: expect.stringContaining('ssh-keygen -R'),
    });
  });

  test('a revoked one is refused', async () => {
    const knownHosts = knownHostsWith(`[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`);
    await expect(refusal(open({ knownHosts }))).resolves.toMatchObject({ data: { problem: 'revoked' } });
  });

  test('hashed names work; a file with blanks and quotes in its name works', async () => {
    const knownHosts = writeFileAt(join(makeFolder(), "known 'hosts' $x"), readFileSync(sshd.knownHosts, 'utf8'));
    execFileSync('ssh-keygen', ['-q', '-H', '-f', knownHosts], { stdio: 'ignore' });
    expect(readFileSync(knownHosts, 'utf8')).not.toContain('127.0.0.1');
    await open({ knownHosts }).publish([{ file: file(), path: 'hashed' }]);
    expect(existsSync(join(root, 'hashed'))).toBe(true);
  });

  test.each(['rsa', 'ecdsa'])('%s host keys work', async (hostKeyType) => {
    const other = await startSshd({ folder: makeFolder('sshd'), hostKeyType });
    try {
      const { port: sshPort, clientKey: sshKey, knownHosts } = other;
      await open({ sshPort, sshKey, knownHosts }).publish([{ file: file(), path: `by-${hostKeyType}` }]);
      expect(existsSync(join(root, `by-${hostKeyType}`))).toBe(true);
    } finally {
      await other.stop();
    }
  });

  test('of several keys of a server the known one is used', async () => {
    const folder = makeFolder('sshd');
    const extra = makeSshKey(join(folder, 'extra'), 'rsa');
    const other = await startSshd({ folder, config: [`HostKey ${extra}`] });
    try {
      const rsa = readFileSync(`${extra}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
      const knownHosts = knownHostsWith(`[127.0.0.1]:${other.port} ${rsa}\n`);
      await open({ sshPort: other.port, sshKey: other.clientKey, knownHosts }).publish([
        { file: file(), path: 'by-known' },
      ]);
      expect(existsSync(join(root, 'by-known'))).toBe(true);
    } finally {
      await other.stop();
    }
  });
});

describe('logging in', () => {
  const publish = (store: CacheStore) =>
    store.publish([{ file: writeFileAt(join(makeFolder(), 'f'), 'x'), path: 'login' }]);

  test.each([
    [
      'a wrong key',
      () => ({ sshKey: sshd.foreignKey }),
      () => ({ credentials: `the key ${sshd.foreignKey}`, user: sshd.user }),
    ],
    ['a wrong user', () => ({ user: 'nobody-here' }), () => ({ user: 'nobody-here' })],
  ])('with %s is refused, once', async (_name, more, data) => {
    await expect(publish(open(more()))).rejects.toMatchObject({
      code: 'CACHE_LOGIN',
      data: { host: '127.0.0.1', ...data() },
    });
  });

  test('needs a key that can be used', async () => {
    const locked = makeSshKey(join(makeFolder(), 'locked'), 'ed25519', 'secret');
    const junk = writeFileAt(join(makeFolder(), 'junk'), 'junk');
    for (const sshKey of [locked, junk, '/none', `${sshd.clientKey}.pub`]) {
      await expect(publish(open({ sshKey }))).rejects.toMatchObject({
        code: 'CACHE_SSH_KEY_INVALID',
        kind: 'misuse',
        data: { file: sshKey },
      });
    }
  });

  test('an agent will do, and a key under an odd name', async () => {
    const folder = makeFolder('agent');
    const agentSocket = join(folder, 'socket');
    const agent = execFileSync('ssh-agent', ['-a', agentSocket, '-s']).toString();
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
    try {
      execFileSync('ssh-add', ['-q', sshd.clientKey], { env: { PATH: process.env.PATH, SSH_AUTH_SOCK: agentSocket } });
      await publish(open({ sshKey: '' }, { agentSocket }));
    } finally {
      process.kill(pid);
    }
    const sshKey = writeFileAt(join(folder, "key of 'mine' $x"), readFileSync(sshd.clientKey));
    chmodSync(sshKey, 0o600);
    await publish(open({ sshKey }));
    expect(existsSync(join(root, 'login'))).toBe(true);
  });
});

describe('a server that is not there, or not what it should be', () => {
  const set = () => [{ file: writeFileAt(join(makeFolder(), 'f'), 'x'), path: 'nowhere' }];

  test('is named with the number of tries', async () => {
    const sshPort = await findFreePort();
    const events: LogEvent[] = [];
    const log = createLog((event) => events.push(event));
    await expect(open({ sshPort }, { log }).publish(set())).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      data: { host: '127.0.0.1', tries: 4 },
      message: expect.stringContaining(`ssh on port ${sshPort}: the connection was refused`),
    });
    const retries = events.filter((event) => event.kind === 'retry');
    expect(retries).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, tries: 4 })));
    expect(retries[0]?.reason).toContain('the connection was refused');
  });

  test('without SFTP, without rsync, without a folder', async () => {
    const folder = makeFolder('sshd');
    const other = await startSshd({ folder, config: ['ForceCommand /bin/false'] });
    try {
      const { port: sshPort, clientKey: sshKey, knownHosts } = other;
      await expect(open({ sshPort, sshKey, knownHosts }).publish(set())).rejects.toMatchObject({
        code: expect.stringMatching(/^CACHE_(SERVER_UNSUITABLE|UNREACHABLE)$/),
      });
    } finally {
      await other.stop();
    }
    const pathPrefix = join(root, 'missing', 'parent');
    await expect(open({ pathPrefix }).publish(set())).rejects.toMatchObject({ code: 'CACHE_WRITE_FAILED' });
  });

  test('settings that cannot be are refused before anything is sent', () => {
    for (const more of [
      { server: '-oProxyCommand=x' },
      { server: 'a b' },
      { user: '-x' },
      { pathPrefix: 'relative' },
      { pathPrefix: '/a/../b' },
      { sshPort: 0 },
    ]) {
      expect(() => open(more)).toThrow(expect.objectContaining({ code: 'CACHE_SETTING_INVALID', kind: 'misuse' }));
    }
  });
});

describe('a broken line', () => {
  const SIZE = 16 * 1024 * 1024;
  let proxy: Awaited<ReturnType<typeof startProxy>>;

  beforeAll(async () => {
    proxy = await startProxy(sshd.port);
  });

  afterAll(async () => {
    await proxy.stop();
  });

  const openByProxy = (tries = 4) => {
    const knownHosts = knownHostsWith(`[127.0.0.1]:${proxy.port} ${sshd.hostKey}\n`);
    return open({ sshPort: proxy.port, knownHosts }, { patience: { ...PATIENCE, tries } });
  };

  test('is resumed within the run', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), noise(SIZE, 'within'));
    const before = proxy.upBytes();
    proxy.cutAfter(SIZE / 2);
    await openByProxy().publish([{ file, path: 'line/within' }]);
    expect(digestOf(join(root, 'line/within'))).toBe(digestOf(file));
    const sent = proxy.upBytes() - before;
    expect(sent).toBeGreaterThan(SIZE);
    expect(sent).toBeLessThan(SIZE * 1.3);
    expect(stagingOf()).toEqual([]);
  }, 30_000);

  test('is resumed by a later run', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), noise(SIZE, 'later'));
    proxy.cutAfter((SIZE * 2) / 3);
    const work = openByProxy(1).publish([{ file, path: 'line/later' }]);
    await expect(work).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      data: { host: '127.0.0.1', doing: 'upload' },
    });
    expect(existsSync(join(root, 'line/later'))).toBe(false);
    const before = proxy.upBytes();
    await openByProxy().publish([{ file, path: 'line/later' }]);
    expect(digestOf(join(root, 'line/later'))).toBe(digestOf(file));
    expect(proxy.upBytes() - before).toBeLessThan(SIZE * 0.6);
    expect(stagingOf()).toEqual([]);
  }, 30_000);

  /** A store over a line of its own that is so slow that a test can act in mid-transfer. */
  const openSlowly = async (more: Partial<StoreSettings>, parts: Partial<StoreParts>) => {
    const slow = await startProxy(sshd.port);
    slow.throttle(SIZE / 2);
    const knownHosts = knownHostsWith(`[127.0.0.1]:${slow.port} ${sshd.hostKey}\n`);
    return { slow, store: open({ sshPort: slow.port, knownHosts, ...more }, parts) };
  };

  const untilStaged = async (prefix = root): Promise<void> => {
    while (stagingOf(prefix).length === 0) await sleep(5);
  };

  test('that is silent is noticed', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), noise(SIZE, 'silent'));
    const { slow, store } = await openSlowly({}, { patience: { tries: 1, firstDelayMs: 10, idleMs: 1000 } });
    try {
      const work = store.publish([{ file, path: 'line/silent' }]);
      void untilStaged().then(() => slow.freeze());
      await expect(work).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE' });
      expect(existsSync(join(root, 'line/silent'))).toBe(false);
    } finally {
      await slow.stop();
    }
    await open().publish([{ file, path: 'line/silent' }]);
    expect(digestOf(join(root, 'line/silent'))).toBe(digestOf(file));
    expect(stagingOf()).toEqual([]);
  }, 60_000);

  test('an interruption leaves nothing here or there', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), noise(SIZE, 'interrupted'));
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const tempFolder = makeFolder('temp');
    const stopping = createRunner({ cwd: '/', env: { PATH: process.env.PATH }, signal: controller.signal });
    const { slow, store } = await openSlowly({}, { signal: controller.signal, runner: stopping, tempFolder });
    void untilStaged().then(() => controller.abort(reason));
    await expect(store.publish([{ file, path: 'line/interrupted' }])).rejects.toBe(reason);
    await store.close();
    await slow.stop();
    expect(listTree(tempFolder)).toEqual([]);
    expect(stagingOf()).toEqual([]);
    expect(existsSync(join(root, 'line/interrupted'))).toBe(false);
  }, 30_000);

  // A small disk of its own takes a mount.
  const testAsRoot = userInfo().uid === 0 ? test : test.skip;

  testAsRoot(
    'a disk that fills up over there: nothing is left of the set',
    async () => {
      const disk = makeFolder('disk');
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]);
      const small = writeFileAt(join(makeFolder(), 'small'), noise(1000));
      const file = writeFileAt(join(makeFolder(), 'f'), noise(SIZE - 4 * 1024 * 1024));
      const { slow, store } = await openSlowly({ pathPrefix: disk }, {});
      try {
        const work = store.publish([
          { file: small, path: 'small' },
          { file, path: 'big' },
        ]);
        void untilStaged(disk).then(() => writeFileSync(join(disk, 'filler'), noise(8 * 1024 * 1024)));
        await expect(work).rejects.toMatchObject({ code: 'CACHE_DISK_FULL', data: { location: `127.0.0.1:${disk}` } });
        expect(listTree(disk)).toEqual(['filler']);
        const rest = writeFileAt(join(makeFolder(), 'rest'), noise(100_000));
        execFileSync('sh', ['-c', 'cat /dev/zero >"$1" 2>/dev/null || true', 'fill', join(disk, 'filler')]);
        await expect(store.publish([{ file: rest, path: 'rest' }])).rejects.toMatchObject({ code: 'CACHE_DISK_FULL' });
        expect(listTree(disk)).toEqual(['filler']);
        const tooBig = writeFileAt(join(makeFolder(), 'f'), noise(SIZE));
        await expect(store.publish([{ file: tooBig, path: 'big' }])).rejects.toMatchObject({ code: 'CACHE_DISK_FULL' });
        expect(listTree(disk)).toEqual(['filler']);
      } finally {
        await store.close();
        await slow.stop();
        execFileSync('umount', ['-l', disk]);
      }
    },
    30_000,
  );
});

describe('names', () => {
  test('in a folder, with sizes and times; a link is no file', async () => {
    mkdirSync(join(root, 'names', 'sub'), { recursive: true });
    const file = writeFileAt(join(root, 'names', "b's"), 'four');
    utimesSync(file, 1000, 1000);
    symlinkSync('sub', join(root, 'names', 'a link'));
    const store = open();
    await expect(store.entries('names')).resolves.toMatchObject([
      { name: 'a link', kind: 'other' },
      { name: "b's", kind: 'file', sizeBytes: 4, modifiedMs: 1_000_000 },
      { name: 'sub', kind: 'folder' },
    ]);
    await expect(store.entries('names/none')).resolves.toEqual([]);
    expect((await store.entries('')).map(({ name }) => name)).toContain('names');
    await expect(store.entries('../x')).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
  });

  test('change at once, into folders that are made; who comes second is fine; what is nowhere is told', async () => {
    const store = open();
    writeFileAt(join(root, 'moving', 'pack'), 'pack');
    await expect(store.rename('moving/pack', 'trash/of/pack')).resolves.toBe(true);
    await expect(store.rename('moving/pack', 'trash/of/pack')).resolves.toBe(true);
    await expect(store.rename('moving/none', 'trash/of/none')).resolves.toBe(false);
    expect(readFileSync(join(root, 'trash/of/pack'), 'utf8')).toBe('pack');
    // Replaces, as rename(2) does.
    writeFileAt(join(root, 'moving', 'pack'), 'another');
    await expect(store.rename('moving/pack', 'trash/of/pack')).resolves.toBe(true);
    expect(readFileSync(join(root, 'trash/of/pack'), 'utf8')).toBe('another');
    writeFileAt(join(root, 'moving', 'f'), 'f');
    await expect(store.rename('moving/f', 'trash/of')).rejects.toMatchObject({ code: 'CACHE_WRITE_FAILED' });
    await expect(store.rename('../x', 'y')).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
    await expect(store.rename('moving/f', '.staging/f')).rejects.toMatchObject({ code: 'CACHE_PATH_INVALID' });
  });

  test('many renames of one file at once: it is there once, and everybody is told so', async () => {
    writeFileAt(join(root, 'race', 'from'), 'x');
    const results = await Promise.all(Array.from({ length: 10 }, () => open().rename('race/from', 'race/to')));
    expect(results).toEqual(Array.from({ length: 10 }, () => true));
    expect(readdirSync(join(root, 'race'))).toEqual(['to']);
  });
});

describe('several publishers', () => {
  const NAMES = ['a.bin', 'b.bin', 'c.id'];
  const makeSet = (seed: string, size: number) => {
    const work = makeFolder(seed);
    return NAMES.map((name) => writeFileAt(join(work, name), noise(size, seed + name)));
  };
  const jobOf = (folder: string, files: readonly string[], rounds = 1, replace = false) => ({
    settings: settingsOf(),
    folder,
    files,
    rounds,
    replace,
    last: ['c.id'],
    tempFolder: makeFolder('temp'),
  });

  test('of the same content at once', async () => {
    const files = makeSet('same', 3_000_000);
    const publishers = [1, 2, 3].map(() => startPublisher(jobOf('several/same', files)));
    await expect(Promise.all(publishers.map((one) => one.ended))).resolves.toEqual([0, 0, 0]);
    const cache = createArtifactCache({ store: open() });
    const to = makeFolder('to');
    for (const name of NAMES) await cache.fetch(`several/same/${name}`, to);
    expect(NAMES.map((name) => digestOf(join(to, name)))).toEqual(files.map((file) => digestOf(file)));
    expect(stagingOf()).toEqual([]);
  }, 60_000);

  test('of different content at once, 12 rounds: one wins whole, the other is refused and leaves nothing', async () => {
    const both = [open(), open()];
    for (let round = 0; round < 12; round += 1) {
      const folder = `several/rounds-${round}`;
      const sets = both.map((store, who) => ({ store, files: makeSet(`${round}-${who}`, 50_000) }));
      const last = round % 2 === 0 ? { last: ['c.id'] } : {};
      const results = await Promise.allSettled(
        sets.map(({ store, files }) => createArtifactCache({ store }).publish({ folder, files, ...last })),
      );
      const lost = results.filter((one) => one.status === 'rejected');
      expect(lost).toHaveLength(1);
      expect(lost[0]?.reason).toMatchObject({ code: 'CACHE_VERSION_DIFFERS', data: { folder } });
      const { files } = sets[results.findIndex((one) => one.status === 'fulfilled')] ?? { files: [] };
      const cache = createArtifactCache({ store: open() });
      const to = makeFolder('to');
      for (const name of NAMES) await cache.fetch(`${folder}/${name}`, to);
      expect(NAMES.map((name) => digestOf(join(to, name)))).toEqual(files.map((file) => digestOf(file)));
      expect(stagingOf()).toEqual([]);
    }
  }, 120_000);

  test('of the same content again: joins without sending anything', async () => {
    const files = makeSet('again', 2_000_000);
    const store = open();
    const bytes: number[] = [];
    const watched = {
      ...store,
      publish: (...[uploads, options]: Parameters<CacheStore['publish']>) =>
        store.publish(uploads, { ...options, onBytes: (count) => void bytes.push(count) }),
    };
    for (const _ of [1, 2]) {
      await createArtifactCache({ store: watched }).publish({ folder: 'several/again', files, last: ['c.id'] });
      expect(bytes.length > 0).toBe(_ === 1);
      bytes.length = 0;
    }
  });

  test('of different content that may be replaced, at once: one whole set is there in the end', async () => {
    const sets = ['one', 'two'].map((seed) => makeSet(seed, 300_000));
    const publishers = sets.map((files) => startPublisher(jobOf('several/other', files, 4, true)));
    await expect(Promise.all(publishers.map((one) => one.ended))).resolves.toEqual([0, 0]);
    const cache = createArtifactCache({ store: open() });
    const to = makeFolder('to');
    for (const name of NAMES) await cache.fetch(`several/other/${name}`, to);
    const winner = sets.find((files) => digestOf(files[0] ?? '') === digestOf(join(to, 'a.bin'))) ?? [];
    expect(NAMES.map((name) => digestOf(join(to, name)))).toEqual(winner.map((file) => digestOf(file)));
    expect(stagingOf()).toEqual([]);
  }, 60_000);

  test('one that is killed at any time: nothing half is seen, and running it again completes the set', async () => {
    const files = makeSet('killed', 8_000_000);
    let killed = 0;
    for (const [round, delayMs] of [0, 40, 120].entries()) {
      const folder = `several/killed-${round}`;
      const job = jobOf(folder, files);
      const { child, ended } = startPublisher(job);
      while (child.exitCode === null && stagingOf().length === 0) await sleep(2);
      await sleep(delayMs);
      child.kill('SIGKILL');
      killed += (await ended) === null ? 1 : 0;
      const seen = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
      for (const [at, name] of NAMES.entries())
        if (seen.includes(name)) expect(digestOf(join(root, folder, name))).toBe(digestOf(files[at] ?? ''));
      if (seen.includes('c.id')) expect(seen).toHaveLength(6);
      await expect(startPublisher(job).ended).resolves.toBe(0);
      const cache = createArtifactCache({ store: open() });
      for (const name of NAMES) await cache.fetch(`${folder}/${name}`, join(makeFolder('to'), folder));
    }
    expect(killed).toBeGreaterThan(1);
  }, 90_000);
});
