import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type CacheStore, createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { docBlock } from '../helpers/cache-server.ts';
import { makeCertificates, type TestCertificates } from '../helpers/https-server.ts';
import { type ServerMachine, startServerMachine } from '../helpers/server-machine.ts';
import { findFreePort } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, noise, ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';

jest.setTimeout(60_000);

const describeAsRoot = userInfo().uid === 0 ? describe : describe.skip;
const makeFolder = useTempFolders();
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);
const SECRET = 'nobody-may-read-this';
const PACK = `${'0123456789abcdef'.repeat(4)}`;
const CACHE = '/srv/jail/srv/buildcache';
const SIZE = 3_000_000;

let certificates: TestCertificates;
let machine: ServerMachine;
let root: string;

/** An answer as curl saw it. */
interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

beforeAll(async () => {
  if (userInfo().uid !== 0) return;
  certificates = makeCertificates(makeFolder('pki'));
  machine = await startServerMachine(makeFolder('machine'));
  root = join(machine.srv, CACHE.slice('/srv/'.length));
  mkdirSync(root, { recursive: true });
  const put = (path: string, content: string | Buffer): string => writeFileAt(join(root, path), content);
  for (const name of ODD_NAMES) put(`odd/in ${name}/${name}`, name);
  put('images/amd64/4799.0.0+nightly-1/big.bin', noise(SIZE));
  put('images/amd64/4799.0.0+nightly-1/index.html', 'not a listing');
  put('images/amd64/4799.0.0+nightly-1/empty', '');
  put(`dedup/v1/packs/${PACK}.pack`, noise(1000));
  put(`dedup/v1/recipes/${PACK}.recipe`, noise(1000));
  put('dedup/v1/heads/sdk.json', '{}');
  put('.staging/partial/unfinished', SECRET);
  put('images/.staging/x', 'a folder of that name elsewhere is none of ours');
  symlinkSync('4799.0.0+nightly-1', join(root, 'images/amd64/latest'));
  symlinkSync('../../odd', join(root, 'images/amd64/up-and-down'));
  symlinkSync('/etc', join(root, 'out-folder'));
  symlinkSync('/etc/passwd', join(root, 'out-file'));
  symlinkSync('../../../etc/secret', join(root, 'out-relative'));
  symlinkSync('/etc/ssl/cache/key.pem', join(root, 'out-key'));
  symlinkSync('/etc/caddy/Caddyfile', join(root, 'out-configuration'));
  symlinkSync('.staging/partial/unfinished', join(root, 'in-staging'));
  writeFileAt(join(machine.srv, 'outside/secret'), SECRET);
  symlinkSync('../../outside', join(root, 'out-beside'));
  const at = '/etc/ssl/cache';
  const { certFile, keyFile } = certificates;
  machine.run(`useradd --system bincache; chown -hR bincache:bincache ${CACHE}; echo ${SECRET} > /etc/secret`);
  machine.run(`install -d ${at}; install -m 644 ${certFile} ${at}/cert.pem; install -m 640 ${keyFile} ${at}/key.pem`);
  chmodSync(machine.srv, 0o755);
}, 60_000);

afterAll(async () => {
  if (userInfo().uid === 0) await machine.stop();
});

/** Starts nginx as the document says, on a port of the test. */
const startNginx = async (port: number) => {
  const file = '/etc/nginx/conf.d/slipway-cache.conf';
  // Debian's own site would listen on port 80.
  const words = {
    'nginx -t': `rm /etc/nginx/sites-enabled/default\nsed -i 's/listen 443/listen 127.0.0.1:${port}/; s/listen \\[::\\]:443/listen 127.0.0.2:${port}/' ${file}\nnginx -t`,
  };
  machine.run(docBlock('nginx', words));
  return machine.start(['nginx', '-g', 'daemon off;'], port);
};

/** Words of the settings of a systemd unit that say what it sees. */
const readView = (text: string): [string, string][] =>
  [...text.matchAll(/^(TemporaryFileSystem|BindReadOnlyPaths|BindPaths)=(.*)$/gm)].flatMap(
    ([, name = '', value = '']) => value.split(' ').map((word): [string, string] => [name, word]),
  );

/** Folders above a path, which bubblewrap would make for root alone; systemd makes them for everybody. */
const foldersAbove = (path: string): string[] => {
  const names = path.split('/').slice(1, -1);
  return names.flatMap((_, at) => ['--perms', '0755', '--dir', `/${names.slice(0, at + 1).join('/')}`]);
};

/** What bubblewrap has to be told to show a program what systemd shows it with the shipped file. */
const viewOf = (text: string): string[] =>
  readView(text).flatMap(([name, word]) => {
    const path = word.replace(/^-/, '');
    if (name === 'TemporaryFileSystem') return word === '/:ro' ? ['--tmpfs', '/'] : ['--tmpfs', path];
    return [
      ...foldersAbove(path),
      `--${name === 'BindPaths' ? '' : 'ro-'}bind${word.startsWith('-') ? '-try' : ''}`,
      path,
      path,
    ];
  });

/** Starts both processes of Caddy as the document says, the one with the files confined as its service file says. */
const startCaddy = async (port: number) => {
  const words = {
    'caddy validate': `sed -i 's/^cache.example.org /https:\\/\\/127.0.0.1:${port} /' /etc/caddy/slipway-cache.caddy\ncaddy validate`,
  };
  machine.run('install -d -o caddy /run/slipway-cache; chgrp caddy /etc/ssl/cache/key.pem; chown caddy /var/lib/caddy');
  machine.run(docBlock('caddy', words));
  // Listening for commands and redirecting from port 80 would need fixed ports.
  machine.run(`sed -i '1i { \\n admin off \\n auto_https disable_redirects \\n }' /etc/caddy/Caddyfile`);
  const unit = readFileSync(join(import.meta.dirname, '../../config/server/cache-files.service'), 'utf8');
  const asUser = ['setpriv', '--reuid', 'caddy', '--regid', 'caddy', '--clear-groups'];
  const ids = ['-u', '-g'].map((flag) => machine.run(`id ${flag} caddy`).trim());
  const confined = ['setpriv', '--reuid', ids[0] ?? '', '--regid', ids[1] ?? '', '--clear-groups'];
  const command = (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' ');
  const view = [
    ...viewOf(unit),
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--unshare-pid',
    '--unshare-net',
    '--die-with-parent',
  ];
  const socket = join(machine.sockets, 'slipway-cache/files');
  const files = await machine.start(['bwrap', ...view, ...confined, ...command], socket);
  const front = await machine.start([...asUser, 'caddy', 'run', '--config', '/etc/caddy/Caddyfile'], port);
  return {
    log: () => files.log() + front.log(),
    stop: async () => {
      await front.stop();
      await files.stop();
    },
  };
};

describeAsRoot.each([
  ['nginx', startNginx],
  ['Caddy', startCaddy],
] as const)('%s with the shipped configuration', (name, start) => {
  let port = 0;
  let daemon: Awaited<ReturnType<typeof start>>;
  const stores: CacheStore[] = [];

  beforeAll(async () => {
    port = await findFreePort();
    daemon = await start(port);
  }, 30_000);

  afterAll(() => daemon?.stop());

  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  const open = (toPort = port, tries = 3): CacheStore => {
    const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
    const settings = { server: '127.0.0.1', user: '', pathPrefix: '/srv/buildcache', dir: '' };
    const url = `https://127.0.0.1:${toPort}`;
    const patience = { tries, firstDelayMs: 20, idleMs: 5000 };
    const store = createStore({ ...settings, url, caFile: certificates.caFile }, { runner, patience });
    stores.push(store);
    return store;
  };

  const curl = (path: string, ...more: readonly string[]): Answer => {
    const options = ['-sS', '-i', '--path-as-is', '--http1.1', '--cacert', certificates.caFile, '--max-time', '10'];
    const text = execFileSync('curl', [...options, ...more, `https://127.0.0.1:${port}/${path}`], {
      encoding: 'latin1',
    });
    const [headers = '', ...body] = text.split('\r\n\r\n');
    return { status: Number(headers.split(' ')[1]), headers: headers.toLowerCase(), body: body.join('\r\n\r\n') };
  };

  test('our store lists folders, reads texts, knows sizes and downloads, with odd names', async () => {
    const store = open();
    await expect(store.list('odd')).resolves.toEqual(ODD_NAMES.map((name) => `in ${name}`).sort(byCode));
    const to = makeFolder('to');
    for (const name of ODD_NAMES) {
      const path = `odd/in ${name}/${name}`;
      await expect(store.list(`odd/in ${name}`)).resolves.toEqual([name]);
      await expect(store.readText(path)).resolves.toBe(name);
      await expect(store.size(path)).resolves.toBe(Buffer.byteLength(name));
      await store.download(path, join(to, 'f'));
      expect(readFileSync(join(to, 'f'), 'utf8')).toBe(name);
    }
    await expect(store.list('images/amd64/4799.0.0+nightly-1')).resolves.toEqual(['big.bin', 'empty', 'index.html']);
    await expect(store.list('images/amd64', { onlyFolders: true })).resolves.toContain('4799.0.0+nightly-1');
    await expect(store.size('images/amd64/4799.0.0+nightly-1/empty')).resolves.toBe(0);
    await expect(store.size('nothing')).resolves.toBeUndefined();
    await expect(store.list('nothing')).resolves.toEqual([]);
    await expect(store.download('nothing', join(to, 'g'))).rejects.toMatchObject({ code: 'CACHE_ARTIFACT_MISSING' });
  });

  test('an artifact published into the folder is fetched and verified', async () => {
    const local = createStore(
      { dir: root, server: '', user: '', pathPrefix: '' },
      { runner: createRunner({ cwd: '/', env: {} }) },
    );
    const file = writeFileAt(join(makeFolder(), 'image.bin'), noise(100_000));
    await createArtifactCache({ store: local }).publish({ folder: 'published/1.0.0+x', files: [file] });
    machine.run(`chown -hR bincache:bincache ${CACHE}/published`);
    const fetched = await createArtifactCache({ store: open() }).fetch('published/1.0.0+x/image.bin', makeFolder('to'));
    expect(digestOf(fetched.file)).toBe(digestOf(file));
  });

  test('a download that is cut is resumed by range, within a run and by a later one', async () => {
    const path = 'images/amd64/4799.0.0+nightly-1/big.bin';
    const to = join(makeFolder('to'), 'big.bin');
    const proxy = await startDownCut(port, SIZE / 2);
    try {
      await expect(open(proxy.port, 1).download(path, to)).rejects.toMatchObject({ code: 'CACHE_UNREACHABLE' });
      const before = proxy.downBytes();
      await open(proxy.port).download(path, to);
      expect(digestOf(to)).toBe(digestOf(join(root, path)));
      expect(proxy.downBytes() - before).toBeLessThan(SIZE * 0.6);
    } finally {
      await proxy.stop();
    }
  });

  test('ranges, one and several, and conditions', () => {
    const path = 'images/amd64/4799.0.0+nightly-1/big.bin';
    const content = readFileSync(join(root, path));
    const part = curl(path, '-r', '1000-1999');
    expect(part).toMatchObject({ status: 206, body: content.subarray(1000, 2000).toString('latin1') });
    expect(part.headers).toContain(`content-range: bytes 1000-1999/${SIZE}`);
    const several = curl(path, '-r', '0-9,2000000-2000009');
    expect(several.status).toBe(206);
    expect(several.headers).toContain('multipart/byteranges');
    const etag = /^etag: ("[^"\r]+")/m.exec(part.headers)?.[1] ?? '';
    expect(etag).not.toBe('');
    expect(curl(path, '-H', `If-None-Match: ${etag}`).status).toBe(304);
    expect(curl(path, '-r', '0-9', '-H', `If-Range: ${etag}`).status).toBe(206);
    expect(curl(path, '-I', '-r', '0-9', '-H', 'If-Range: "other"').status).toBe(200);
    expect(curl(path, '-r', `${SIZE}-`).status).toBe(416);
    const accepting = curl(path, '-H', 'Accept-Encoding: gzip, zstd', '-r', '0-9');
    expect(accepting.headers).not.toContain('content-encoding');
    utimesSync(join(root, path), new Date(), statSync(join(root, path)).mtimeMs / 1000 - 60);
    expect(curl(path, '-r', '0-9', '-H', `If-None-Match: ${etag}`).status).toBe(206);
  });

  test.each([
    '.staging',
    '.staging/',
    '.staging/partial/',
    '.staging/partial/unfinished',
    '%2estaging/partial/unfinished',
    '.%73taging/partial/unfinished',
    '.staging%2fpartial%2funfinished',
    '/.staging/partial/unfinished',
    './.staging/partial/unfinished',
    'odd/../.staging/partial/unfinished',
    'odd/%2e%2e/.staging/partial/unfinished',
    'images//../.staging/./partial//unfinished',
  ])('%s is not there', (path) => {
    const { status, body } = curl(path);
    expect([400, 404]).toContain(status);
    expect(body).not.toContain(SECRET);
  });

  test('the listing of the whole cache does not name the staging folder', async () => {
    await expect(open().list('')).resolves.toEqual(expect.arrayContaining(['dedup', 'images', 'odd']));
    const lines = curl('').body.split('\n');
    expect(lines.filter((line) => line.includes('.staging'))).toEqual([]);
  });

  test('links inside of the cache are followed', async () => {
    const store = open();
    await expect(store.list('images/amd64/latest')).resolves.toContain('big.bin');
    await expect(store.size('images/amd64/latest/big.bin')).resolves.toBe(SIZE);
    await expect(store.readText('images/amd64/up-and-down/in ~tilde/~tilde')).resolves.toBe('~tilde');
  });

  test.each([
    'out-file',
    'out-folder/',
    'out-folder/passwd',
    'out-relative',
    'out-beside/',
    'out-beside/secret',
    'out-key',
    'out-configuration',
    '..%2f..%2f..%2fetc/passwd',
    '../../../etc/passwd',
    'odd/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    'odd/..%00/x',
  ])('%s leads nowhere', (path) => {
    const { status, body } = curl(path);
    // Of the folder, Caddy shows what the process with the files sees there: its configuration.
    const isEmptyView = name === 'Caddy' && path === 'out-folder/' && !body.includes('passwd') && !body.includes('ssl');
    // And it has nothing better to say of a zero byte.
    const refusals = path.includes('%00') ? [400, 500] : [400, 403, 404];
    if (!isEmptyView) expect(refusals).toContain(status);
    expect(body).not.toMatch(new RegExp(`root:|${SECRET}|shadow|"secret"|PRIVATE KEY`));
  });

  test('what is named by its content never changes; for the rest the server is asked', () => {
    const freshness = (path: string) => /^cache-control: (.*)$/m.exec(curl(path, '-I').headers)?.[1]?.trim();
    expect(freshness(`dedup/v1/packs/${PACK}.pack`)).toBe('public, max-age=31536000, immutable');
    expect(freshness(`dedup/v1/recipes/${PACK}.recipe`)).toBe('public, max-age=31536000, immutable');
    for (const path of ['dedup/v1/heads/sdk.json', 'images/amd64/4799.0.0+nightly-1/empty', 'odd/', 'dedup/v1/packs/'])
      expect([path, freshness(path)]).toEqual([path, 'no-cache']);
    expect(freshness(`dedup/v1/packs/${PACK.replace('0', '1')}.pack`) ?? '').not.toContain('immutable');
  });

  test.each(['POST', 'PUT', 'DELETE', 'PROPFIND', 'MKCOL'])('%s is refused', (method) => {
    const { status } = curl('images/amd64/4799.0.0+nightly-1/empty', '-X', method, '-d', 'x');
    expect([403, 405]).toContain(status);
    expect(statSync(join(root, 'images/amd64/4799.0.0+nightly-1/empty')).size).toBe(0);
  });

  test('only over TLS that is not too old, and only with a certificate that we trust', async () => {
    expect(() => curl('', '--tls-max', '1.1', '--tlsv1.0')).toThrow();
    expect(() => execFileSync('curl', ['-sS', `https://127.0.0.1:${port}/`], { stdio: 'pipe' })).toThrow();
    expect(curl('', '--tls-max', '1.2').status).toBe(200);
    expect(curl('', '--tlsv1.3').status).toBe(200);
  });
});

/** A line that is cut once, after so many bytes came down. */
const startDownCut = async (toPort: number, cutAt: number) => {
  const { connect, createServer } = await import('node:net');
  let downBytes = 0;
  let isCut = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    const target = connect(toPort, '127.0.0.1');
    client.on('error', () => {});
    target.on('error', () => {});
    client.pipe(target);
    target.on('data', (chunk) => {
      downBytes += chunk.length;
      client.write(chunk);
      if (isCut || downBytes < cutAt) return;
      isCut = true;
      // What was written is let through.
      client.end();
      target.destroy();
    });
    target.on('close', () => client.end());
    client.on('close', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    downBytes: () => downBytes,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
