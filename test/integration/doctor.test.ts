import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { findAccelerator } from '../../lib/doctor/checks/kvm.ts';
import type { CheckContext } from '../../lib/doctor/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { ask, testMachine } from '../helpers/doctor-machine.ts';
import { makeTestKey } from '../helpers/gpg.ts';
import {
  makeCertificates,
  startHttpsServer,
  type TestCertificates,
  type TestHttpsServer,
} from '../helpers/https-server.ts';
import { findFreePort, makeSshKey, startSshd, type TestSshd } from '../helpers/sshd.ts';
import { startProxy } from '../helpers/sshd-proxy.ts';
import { useTempFolders } from '../helpers/temp.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const root = join(import.meta.dirname, '../..');
const isRoot = process.getuid?.() === 0;

describe('the cache server', () => {
  let certificates: TestCertificates;
  let sshd: TestSshd;
  let https: TestHttpsServer;
  let prefix: string;

  beforeAll(async () => {
    certificates = makeCertificates(makeFolder('pki'));
    prefix = join(makeFolder('root'), 'cache');
    mkdirSync(prefix);
    sshd = await startSshd({ folder: makeFolder('sshd') });
    https = await startHttpsServer(prefix, certificates);
  });
  afterAll(async () => {
    await sshd.stop();
    await https.stop();
  });

  const settings = (more: Record<string, string> = {}): Record<string, string> => ({
    BUILDCACHE_SERVER: '127.0.0.1',
    BUILDCACHE_USER: sshd.user,
    BUILDCACHE_SSH_PORT: String(sshd.port),
    BUILDCACHE_SSH_KEY: sshd.clientKey,
    BUILDCACHE_KNOWN_HOSTS: sshd.knownHosts,
    BUILDCACHE_PATH_PREFIX: prefix,
    BUILDCACHE_URL: https.url,
    BUILDCACHE_CA_FILE: certificates.caFile,
    ...more,
  });
  const look = (name: string, more: Record<string, string> = {}, question: object = {}) =>
    ask(name, { cwd: makeFolder(), env: settings(more), ...question });

  test('a probe travels, is verified, read in part and deleted, with and without signature', async () => {
    const key = makeTestKey({ folder: makeFolder('key'), name: 'Good' });
    const keys = { SIGNER: key.fingerprint, SIGNING_KEY: key.secretKeyFile, TRUSTED_KEYS: key.publicKeyFile };
    const plain = await look('cache-round-trip');
    expect(plain).toMatchObject({ outcome: 'ok', seen: expect.stringContaining('digests verified') });
    expect(plain.seen).toContain('range requests are honoured');
    expect(await look('cache-round-trip', keys)).toMatchObject({
      outcome: 'ok',
      seen: expect.stringContaining('digests and signature verified'),
    });
    expect(readdirSync(prefix).filter((name) => name !== '.staging')).toEqual([]);
    expect(await look('cache-ssh')).toMatchObject({
      outcome: 'ok',
      seen: expect.stringContaining('host key is known'),
    });
    const web = await look('cache-https');
    expect(web.seen).toContain('answers and is trusted');
    // The test's certificate lives two days.
    expect(web).toMatchObject({
      outcome: 'warning',
      seen: expect.stringMatching(/by Test authority.*expires on .*, in [12] days?/),
    });
    expect(await look('cache-clock')).toMatchObject({ outcome: 'ok' });
  });

  test('what a doctor left that was killed long ago is removed, and nothing else', async () => {
    mkdirSync(join(prefix, 'doctor-old'));
    mkdirSync(join(prefix, 'images'));
    execFileSync('touch', ['-d', '2 hours ago', join(prefix, 'doctor-old'), join(prefix, 'images')]);
    mkdirSync(join(prefix, 'doctor-of-another'));
    expect(await look('cache-round-trip')).toMatchObject({ outcome: 'ok' });
    expect(readdirSync(prefix).filter((name) => name !== '.staging')).toEqual(['doctor-of-another', 'images']);
    for (const name of ['doctor-of-another', 'images']) execFileSync('rmdir', [join(prefix, name)]);
  });

  test('another host key, an unknown one, a key that may not log in: each is said with its fix', async () => {
    const wrong = join(makeFolder(), 'known_hosts');
    const other = readFileSync(`${makeSshKey(join(makeFolder(), 'other'))}.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    writeFileSync(wrong, `[127.0.0.1]:${sshd.port} ${other}\n`);
    const changed = await look('cache-ssh', { BUILDCACHE_KNOWN_HOSTS: wrong });
    expect(changed).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('has changed') });
    expect(changed.fix).toContain('ssh-keygen -R');
    writeFileSync(wrong, '');
    const unknown = await look('cache-ssh', { BUILDCACHE_KNOWN_HOSTS: wrong });
    expect(unknown).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('is not known') });
    expect(unknown.fix).toContain(`>> ${wrong}`);
    const foreign = { BUILDCACHE_SSH_KEY: sshd.foreignKey };
    expect(await look('cache-ssh', foreign)).toMatchObject({
      outcome: 'failed',
      fix: expect.stringContaining('doctor --read-only'),
      seen: expect.stringContaining('does not let the user'),
    });
    expect(await look('cache-round-trip', foreign)).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('no probe could travel'),
    });
  });

  test('an account that may only read', async () => {
    const readOnly = await startSshd({ folder: makeFolder('sshd-ro'), config: ['ForceCommand internal-sftp -R'] });
    try {
      const env = {
        BUILDCACHE_SSH_PORT: String(readOnly.port),
        BUILDCACHE_SSH_KEY: readOnly.clientKey,
        BUILDCACHE_KNOWN_HOSTS: readOnly.knownHosts,
      };
      expect(await look('cache-ssh', env)).toMatchObject({ outcome: 'ok' });
      const trip = await look('cache-round-trip', env);
      expect(trip).toMatchObject({
        outcome: 'failed',
        seen: expect.stringContaining(`nothing can be published to 127.0.0.1:${prefix}`),
      });
      expect(await look('cache-round-trip', env, { readOnly: true })).toMatchObject({
        outcome: 'skipped',
        seen: '--read-only',
      });
    } finally {
      await readOnly.stop();
    }
  });

  test('nobody at the ports, and servers that take the connection and say nothing', async () => {
    const port = await findFreePort();
    expect(await look('cache-ssh', { BUILDCACHE_SSH_PORT: String(port) })).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('ECONNREFUSED'),
      fix: expect.stringContaining('BUILDCACHE_SSH_PORT'),
    });
    const url = { BUILDCACHE_URL: `https://127.0.0.1:${port}` };
    expect(await look('cache-https', url)).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await look('cache-clock', url)).toMatchObject({
      outcome: 'skipped',
      seen: expect.stringContaining("'cache-https'"),
    });

    const proxy = await startProxy(sshd.port);
    proxy.freeze();
    const limit = { limitMs: 1500 };
    const [ssh, web] = await Promise.all([
      look('cache-ssh', { BUILDCACHE_SSH_PORT: String(proxy.port) }, limit),
      look('cache-https', { BUILDCACHE_URL: `https://127.0.0.1:${proxy.port}` }, limit),
    ]);
    await proxy.stop();
    expect(ssh).toMatchObject({
      outcome: 'failed',
      seen: `no answer within 1.5 s while logging in at 127.0.0.1 as ${sshd.user}`,
    });
    expect(web).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('no answer within 1.5 s while reading from https://'),
    });
  });

  test('a folder that the web server does not serve, and ranges that it ignores', async () => {
    const elsewhere = await startHttpsServer(makeFolder(), certificates);
    const lost = await look('cache-round-trip', { BUILDCACHE_URL: elsewhere.url });
    await elsewhere.stop();
    expect(lost).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('is not to be had from') });
    expect(readdirSync(prefix).filter((name) => name !== '.staging')).toEqual([]);

    https.onRequest = () => ({ kind: 'whole' });
    const whole = await look('cache-round-trip');
    https.onRequest = () => undefined;
    expect(whole).toMatchObject({ outcome: 'warning', seen: expect.stringContaining('ignores range requests') });
  });

  test('a web server that has an answer to everything, or none that helps', async () => {
    https.onRequest = (path) => (path.includes('slipway-doctor') ? { kind: 'status', status: 410 } : undefined);
    expect((await look('cache-https')).seen).toContain('answers and is trusted');
    https.onRequest = () => ({ kind: 'status', status: 200 });
    expect(await look('cache-https')).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('answers 200 for a file that is not there'),
    });
    https.onRequest = () => ({ kind: 'status', status: 503 });
    expect(await look('cache-https')).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('status 503') });
    https.onRequest = () => undefined;
  });

  test('certificates: unknown authority, expired, for another name', async () => {
    const unknown = await look('cache-https', { BUILDCACHE_CA_FILE: '' });
    expect(unknown).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('BUILDCACHE_CA_FILE') });
    expect(unknown.seen).toContain('is not trusted');
    const later = { now: () => new Date(Date.now() + 3 * 24 * 60 * 60 * 1000) };
    expect(await look('cache-https', {}, later)).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('expired on'),
    });

    const folder = makeFolder('expired');
    const at = (name: string): string => join(folder, name);
    const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', ...key, '-keyout', at('key'), '-out', at('csr'), '-subj', '/CN=old');
    const sign = (name: string, san: string, days: string): void => {
      writeFileSync(at('san'), `subjectAltName=${san}\n`);
      const ca = [
        '-CA',
        certificates.caFile,
        '-CAkey',
        certificates.caFile.replace('ca.pem', 'ca.key'),
        '-CAcreateserial',
      ];
      openssl('x509', '-req', '-in', at('csr'), ...ca, '-days', days, '-extfile', at('san'), '-out', at(name));
    };
    sign('old.pem', 'IP:127.0.0.1', '-1');
    sign('other.pem', 'DNS:other.example.org', '2');
    for (const [name, words] of [
      ['old.pem', 'expired'],
      ['other.pem', 'other.example.org'],
    ] as const) {
      const server = await startHttpsServer(prefix, {
        caFile: certificates.caFile,
        certFile: at(name),
        keyFile: at('key'),
      });
      const report = await look('cache-https', { BUILDCACHE_URL: server.url });
      await server.stop();
      expect(report).toMatchObject({ outcome: 'failed', seen: expect.stringContaining(words) });
      expect(report.seen).toContain('is not trusted');
    }
  });

  test('a server whose clock is an hour off', async () => {
    const server = createHttpsServer(
      { key: readFileSync(certificates.keyFile), cert: readFileSync(certificates.certFile) },
      (_request, response) => {
        response.sendDate = false;
        response.writeHead(404, { date: new Date(Date.now() - 3_600_000).toUTCString() }).end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const report = await look('cache-clock', { BUILDCACHE_URL: `https://127.0.0.1:${port}` });
    await new Promise((resolve) => server.close(resolve));
    expect(report).toMatchObject({
      outcome: 'failed',
      seen: expect.stringMatching(/(59|60) min \d+ s behind this machine/),
    });
    expect(report.fix).toContain('timedatectl');
  });

  test('no server: what is about one is skipped, and the folder is tried; offline too', async () => {
    const env = { BUILDCACHE_DIR: join(makeFolder(), 'cache') };
    const local = (name: string, question: object = {}) => ask(name, { cwd: makeFolder(), env, ...question });
    for (const name of ['cache-ssh', 'cache-https', 'cache-clock'])
      expect(await local(name)).toMatchObject({ outcome: 'skipped' });
    expect(await local('cache-round-trip', { offline: true })).toMatchObject({ outcome: 'ok' });
    expect(await look('cache-round-trip', {}, { offline: true })).toMatchObject({
      outcome: 'skipped',
      seen: '--offline',
    });
  });
});

describe('the engine', () => {
  test('the one of this machine runs a container, and nothing of it is left', async () => {
    const report = await ask('engine', { env: { docker: process.env.docker } });
    expect(report).toMatchObject({ outcome: 'ok', seen: expect.stringContaining('a trial container ran in') });
    expect(report.seen).toMatch(/not rootless|rootless/);
    const images = execFileSync('docker', ['images', '--format', '{{.Repository}}'], { encoding: 'utf8' });
    expect(images).not.toContain(`slipway-doctor-${process.pid}-`);
  });

  test('none at all, one whose socket is dead, one that never answers', async () => {
    const none = await ask('engine', { env: { PATH: makeFolder() } });
    expect(none).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('apt-get install') });
    expect(none.seen).toContain('docker: not installed');

    const dead = { docker: 'docker', DOCKER_HOST: `unix://${join(makeFolder(), 'dead.sock')}` };
    const report = await ask('engine', { env: dead });
    expect(report).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('unset it') });
    expect(report.seen).toMatch(/cannot connect to the docker daemon/i);

    const socket = join(makeFolder(), 's.sock');
    const silent = createServer((client) => client.on('error', () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(socket, resolve));
    const env = { docker: 'docker', DOCKER_HOST: `unix://${socket}` };
    const hangs = await ask('engine', { env });
    await new Promise<void>((resolve) => silent.close(() => resolve()));
    expect(hangs).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('docker was stopped because it ran longer than 5 s'),
    });
    expect(hangs.durationMs).toBeLessThan(20_000);
    // What depends on the engine goes on without it.
    expect(await ask('disk', { env: dead })).not.toMatchObject({ outcome: 'failed' });
  });

  test('one that answers and cannot run anything', async () => {
    const bin = makeFolder();
    const info = JSON.stringify({
      ServerVersion: '1.0',
      Driver: 'vfs',
      SecurityOptions: ['name=rootless'],
      Architecture: 'x86_64',
    });
    const script = `#!/bin/sh\ncase $1 in version|import|rmi) exit 0 ;; info) echo '${info}' ;; *) echo 'OCI runtime create failed: no cgroups' >&2; exit 125 ;; esac\n`;
    writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
    const report = await ask('engine', { env: { PATH: `${bin}:${process.env.PATH}`, docker: 'docker' } });
    expect(report).toMatchObject({ outcome: 'failed' });
    expect(report.seen).toContain('docker answers but cannot run a container: OCI runtime create failed: no cgroups');
    expect(report.seen).toContain('storage driver vfs');
    expect(report.seen).toContain('docker 1.0, rootless');
  });
});

describe('the machine', () => {
  const inTmpfs = isRoot ? test : test.skip;
  inTmpfs('a disk that is full, one that is too small for the tree, one that cannot be written to', async () => {
    const folder = makeFolder('disk');
    const env = { PATH: '/usr/bin:/bin', docker: 'no-engine', BUILDCACHE_DIR: join(folder, 'cache') };
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    try {
      mkdirSync(join(folder, 'sdk_container/.repo/manifests'), { recursive: true });
      writeFileSync(join(folder, 'sdk_container/.repo/manifests/version.txt'), 'SKIFF_VERSION=1.0.0\n');
      const small = await ask('disk', { cwd: folder, env });
      expect(small).toMatchObject({ outcome: 'failed', fix: expect.stringContaining(`df -h ${folder}`) });
      expect(small.seen).toMatch(/free: .*packages needs \d+ GiB/);
      execFileSync('sh', ['-c', `head -c 2M /dev/zero > ${folder}/filler || true`], { stdio: 'ignore' });
      const full = await ask('disk', { cwd: folder, env });
      expect(full).toMatchObject({ outcome: 'failed', seen: expect.stringContaining('the disk is full') });
      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const sealed = await ask('disk', { cwd: folder, env });
      expect(sealed).toMatchObject({
        outcome: 'failed',
        seen: expect.stringContaining('cannot be written to (EROFS)'),
      });
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test('packages: of npm as the lockfile says, and Debian packages that are missing, with the command', async () => {
    expect(await ask('npm-packages')).toMatchObject({ outcome: 'ok' });
    const broken = makeFolder();
    writeFileSync(
      join(broken, 'package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/left': { version: '1.0.0' } } }),
    );
    const change = <T extends object>(machine: T): T => ({ ...machine, slipwayRoot: broken });
    expect(await ask('npm-packages', { change })).toMatchObject({
      outcome: 'failed',
      seen: expect.stringContaining('left 1.0.0 (missing)'),
      fix: `cd ${broken} && npm run setup`,
    });
    const bin = makeFolder();
    writeFileSync(join(bin, 'dpkg-query'), "#!/bin/sh\necho 'ii  git'\nexit 1\n", { mode: 0o755 });
    const debian = await ask('debian-packages', { env: { PATH: `${bin}:/usr/bin:/bin` } });
    expect(debian).toMatchObject({ outcome: 'failed', fix: expect.stringMatching(/apt-get install .*zstd/) });
    expect(debian.seen).not.toContain('git:');
    expect(await ask('debian-packages', { env: { PATH: makeFolder() } })).toMatchObject({ outcome: 'skipped' });
  });

  test('the pinned Node, and memory', async () => {
    expect(await ask('node')).toMatchObject({ outcome: 'ok', seen: expect.stringContaining('as pinned') });
    expect((await ask('memory')).seen).toMatch(/of .* can be had/);
  });

  test('KVM that is absent or does not run a guest costs time and stops nothing', async () => {
    const folder = makeFolder();
    const runner = createRunner({ cwd: folder, env: { PATH: process.env.PATH } });
    const context = {
      ...testMachine(),
      runner,
      makeTemp: async () => makeFolder(),
      doing: () => {},
    } as unknown as CheckContext;
    const absent = await findAccelerator(context, join(folder, 'kvm'));
    expect(absent).toMatchObject({ outcome: 'warning', fix: expect.stringContaining('modprobe kvm') });
    writeFileSync(join(folder, 'kvm'), '');
    const bin = makeFolder();
    writeFileSync(join(bin, 'qemu-system-x86_64'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const hung = createRunner({ cwd: folder, env: { PATH: `${bin}:${process.env.PATH}` }, killGraceMs: 200 });
    const broken = await findAccelerator({ ...context, runner: hung }, join(folder, 'kvm'), {
      probeTimeoutMs: 300,
      arch: 'amd64',
      hostArch: 'x64',
    });
    expect(broken).toMatchObject({ outcome: 'warning', seen: expect.stringContaining('did not finish within 0.3 s') });
    const none = createRunner({ cwd: folder, env: { PATH: makeFolder() } });
    const missing = await findAccelerator({ ...context, runner: none }, join(folder, 'kvm'), {
      arch: 'amd64',
      hostArch: 'x64',
    });
    expect(missing).toMatchObject({ outcome: 'warning', fix: expect.stringContaining('qemu-system-x86') });
  });

  test('loop devices: set up, read and freed again; without the program it says what to install', async () => {
    const report = await ask('loop-devices');
    expect(['ok', 'warning', 'skipped']).toContain(report.outcome);
    const busy = execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], { encoding: 'utf8' });
    expect(busy).not.toContain('slipway-doctor-');
    const bin = makeFolder();
    writeFileSync(join(bin, 'losetup'), '#!/bin/sh\necho "losetup: cannot find an unused loop device" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const none = await ask('loop-devices', {
      env: { PATH: `${bin}:${process.env.PATH}` },
      change: (machine) => ({ ...machine, isRoot: true }),
    });
    expect(none).toMatchObject({
      outcome: 'warning',
      seen: expect.stringContaining('cannot find an unused loop device'),
    });
  });
});

describe('as a program', () => {
  interface End {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }
  const run = (args: readonly string[], env: Record<string, string> = {}): Promise<End> =>
    new Promise((resolve) => {
      const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
      const cwd = makeFolder();
      const all = { PATH, NODE_COMPILE_CACHE, HOME: cwd, BUILDCACHE_DIR: join(cwd, 'cache'), ...env };
      execFile(join(root, 'ci-automation/doctor.ts'), args, { cwd, env: all }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  test('0 when nothing fails, 1 with JSON when something does, 2 for wrong use', async () => {
    const [fine, json, unknown, flag, help] = await Promise.all([
      run(['node', 'clock', 'cache-round-trip']),
      run(['--json', 'engine', 'memory'], { DOCKER_HOST: 'unix:///nowhere.sock', docker: 'docker' }),
      run(['dsik']),
      run(['--jsno']),
      run(['--help']),
    ]);
    expect(fine).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^ok +node .*\n\n3 ok in .*\n$/s),
    });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 1,
      ok: false,
      checks: [{ name: 'engine', outcome: 'failed' }, { name: 'memory' }],
    });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean 'disk'?") });
    expect(flag).toMatchObject({ code: 2, stderr: expect.stringContaining("'--json'") });
    expect(help.stdout).toContain('cache-round-trip');
    expect(existsSync('/nowhere.sock')).toBe(false);
  });
});
