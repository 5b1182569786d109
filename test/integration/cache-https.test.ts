import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type CacheStore, createMirrorStore, createStore, type StoreParts } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import {
  makeCertificates,
  startHttpsServer,
  type TestCertificates,
  type TestHttpsServer,
} from '../helpers/https-server.ts';
import { findFreePort } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, noise, ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);
const SIZE = 4 * 1024 * 1024;

let root: string;
let certificates: TestCertificates;
let server: TestHttpsServer;
const stores: CacheStore[] = [];

beforeAll(async () => {
  root = makeFolder('root');
  certificates = makeCertificates(makeFolder('pki'));
  server = await startHttpsServer(root, certificates);
  writeFileAt(join(root, 'big'), noise(SIZE));
});

afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
});

beforeEach(() => {
  server.onRequest = () => undefined;
  server.requests.length = 0;
});

/** A store that can only read: no account. */
const open = (more: { url?: string; caFile?: string; parts?: Partial<StoreParts> } = {}): CacheStore => {
  const patience = { tries: 4, firstDelayMs: 20, idleMs: 400 };
  const settings = {
    server: '127.0.0.1',
    user: '',
    pathPrefix: '/',
    sshPort: 22,
    dir: '',
    url: server.url,
    caFile: certificates.caFile,
  };
  const store = createStore({ ...settings, ...more }, { runner, patience, ...more.parts });
  stores.push(store);
  return store;
};

const bodies = (method = 'GET') => server.requests.filter((one) => one.method === method).map((one) => one.bodyBytes());

const sentBytes = (): number => bodies().reduce((sum, count) => sum + count, 0);

describe('reading', () => {
  test('sizes, texts, folders and files with odd names', async () => {
    const store = open();
    for (const name of ODD_NAMES) writeFileAt(join(root, 'odd', name), name);
    for (const name of ODD_NAMES) {
      const to = join(makeFolder(), 'deep', name);
      await expect(store.size(`odd/${name}`)).resolves.toBe(Buffer.byteLength(name));
      await expect(store.readText(`odd/${name}`)).resolves.toBe(name);
      await store.download(`odd/${name}`, to);
      expect(readFileSync(to, 'utf8')).toBe(name);
    }
    await expect(store.list('odd')).resolves.toEqual(ODD_NAMES.toSorted(byCode));
    await expect(store.list('none')).resolves.toEqual([]);
    await expect(store.list('')).resolves.toContain('odd');
  });

  test('what is not there', async () => {
    const store = open();
    const folder = makeFolder();
    await expect(store.size('none')).resolves.toBeUndefined();
    await expect(store.readText('none')).resolves.toBeUndefined();
    await expect(store.download('none', join(folder, 'x'))).rejects.toMatchObject({
      code: 'CACHE_ARTIFACT_MISSING',
      data: { path: 'none' },
    });
    expect(server.requests).toHaveLength(3);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an empty file', async () => {
    writeFileAt(join(root, 'empty'), '');
    const to = join(makeFolder(), 'empty');
    await open().download('empty', to);
    expect(readFileSync(to)).toHaveLength(0);
  });

  test('bytes are reported as they come', async () => {
    let bytes = 0;
    const onBytes = (count: number): void => {
      bytes += count;
    };
    await open().download('big', join(makeFolder(), 'big'), { onBytes });
    expect(bytes).toBe(SIZE);
    expect(bodies()).toEqual([SIZE]);
  });

  test('writing needs an account', async () => {
    const file = writeFileAt(join(makeFolder(), 'f'), 'x');
    await expect(open().publish([{ file, path: 'f' }])).rejects.toMatchObject({ code: 'CACHE_SETTING_INVALID' });
    await expect(open().remove('f')).rejects.toMatchObject({ code: 'CACHE_SETTING_INVALID' });
  });
});

describe('a cut in mid-transfer', () => {
  test('goes on where it was cut', async () => {
    const folder = makeFolder();
    server.onRequest = (_path, method, count) =>
      method === 'GET' && count < 100 && bodies().length < 4 ? { kind: 'cut', afterBytes: 1_000_000 } : undefined;
    await open().download('big', join(folder, 'big'));
    expect(digestOf(join(folder, 'big'))).toBe(digestOf(join(root, 'big')));
    // The server counts what it hands to the network; a little of that dies in a cut.
    expect(sentBytes()).toBeLessThan(SIZE * 1.25);
    expect(bodies().length).toBeGreaterThan(3);
    expect(
      server.requests
        .filter((one) => one.method === 'GET')
        .slice(1)
        .every((one) => one.range),
    ).toBe(true);
    expect(readdirSync(folder)).toEqual(['big']);
  });

  test('is resumed by a later run', async () => {
    const folder = makeFolder();
    server.onRequest = (_path, method) => {
      if (method !== 'GET') return undefined;
      return bodies().length === 1 ? { kind: 'cut', afterBytes: 3_000_000 } : { kind: 'cut', afterBytes: 0 };
    };
    await expect(open().download('big', join(folder, 'big'))).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      data: { host: `127.0.0.1:${server.port}`, doing: 'download big' },
    });
    expect(existsSync(join(folder, 'big'))).toBe(false);
    server.onRequest = () => undefined;
    server.requests.length = 0;
    await open().download('big', join(folder, 'big'));
    expect(digestOf(join(folder, 'big'))).toBe(digestOf(join(root, 'big')));
    expect(bodies()).toHaveLength(1);
    expect(sentBytes()).toBeLessThan(SIZE - 2_000_000);
    expect(readdirSync(folder)).toEqual(['big']);
  });

  test('is not resumed when the file on the server became another one', async () => {
    const folder = makeFolder();
    writeFileAt(join(root, 'changing'), noise(SIZE, 'old'));
    server.onRequest = (_path, method) => {
      if (method !== 'GET' || bodies().length > 1) return undefined;
      return { kind: 'cut', afterBytes: 2_000_000 };
    };
    const changed = noise(SIZE, 'new');
    let isChanged = false;
    const onBytes = (): void => {
      if (!isChanged) renameSync(writeFileAt(join(root, 'changed'), changed), join(root, 'changing'));
      isChanged = true;
    };
    await open().download('changing', join(folder, 'changing'), { onBytes });
    expect(digestOf(join(folder, 'changing'))).toBe(digestOf(join(root, 'changing')));
    expect(readdirSync(folder)).toEqual(['changing']);
  });

  test('a server that ignores ranges sends all again, which is fine', async () => {
    const folder = makeFolder();
    server.onRequest = (_path, method) => {
      if (method !== 'GET') return undefined;
      return bodies().length === 1 ? { kind: 'cut', afterBytes: 1_000_000 } : { kind: 'whole' };
    };
    await open().download('big', join(folder, 'big'));
    expect(digestOf(join(folder, 'big'))).toBe(digestOf(join(root, 'big')));
  });

  test('a stall is noticed', async () => {
    const folder = makeFolder();
    server.onRequest = (_path, method) =>
      method === 'GET' && bodies().length === 1 ? { kind: 'stall', afterBytes: 500_000 } : undefined;
    await open().download('big', join(folder, 'big'));
    expect(digestOf(join(folder, 'big'))).toBe(digestOf(join(root, 'big')));
    expect(sentBytes()).toBeLessThan(SIZE * 1.25);
  });

  test('two downloads of one file into one folder', async () => {
    const folder = makeFolder();
    const stores = [open(), open(), open()];
    await Promise.all(stores.map((store) => store.download('big', join(folder, 'big'))));
    expect(digestOf(join(folder, 'big'))).toBe(digestOf(join(root, 'big')));
    expect(readdirSync(folder)).toEqual(['big']);
  });

  test('an interruption leaves nothing', async () => {
    const folder = makeFolder();
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const store = open({ parts: { signal: controller.signal } });
    const download = store.download('big', join(folder, 'big'), { onBytes: () => controller.abort(reason) });
    await expect(download).rejects.toBe(reason);
    expect(listTree(folder)).toEqual([]);
  });
});

describe('a server in trouble', () => {
  test('is asked again: 500, 503, 429', async () => {
    const statuses = [500, 503, 429];
    server.onRequest = () => {
      const status = statuses.shift();
      return status ? { kind: 'status', status } : undefined;
    };
    await expect(open().readText('big')).resolves.toHaveLength(noise(SIZE).toString('utf8').length);
    expect(server.requests).toHaveLength(4);
  });

  test('for ever: named, with the number of tries', async () => {
    server.onRequest = () => ({ kind: 'status', status: 502 });
    await expect(open().size('big')).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      data: { host: `127.0.0.1:${server.port}`, tries: 4, problem: 'it answered with status 502' },
    });
    expect(server.requests).toHaveLength(4);
  });

  test('that is not there', async () => {
    const port = await findFreePort();
    await expect(open({ url: `https://127.0.0.1:${port}` }).readText('x')).rejects.toMatchObject({
      code: 'CACHE_UNREACHABLE',
      message: expect.stringMatching(
        new RegExp(`127\\.0\\.0\\.1:${port} .* after 4 tries: the connection was refused`),
      ),
    });
  });

  test('that refuses is not asked again', async () => {
    server.onRequest = () => ({ kind: 'status', status: 403 });
    await expect(open().size('big')).rejects.toMatchObject({ code: 'CACHE_BAD_RESPONSE' });
    expect(server.requests).toHaveLength(1);
  });

  test('redirects are followed on this host only', async () => {
    server.onRequest = (path) => (path === '/moved' ? { kind: 'status', status: 301, location: '/big' } : undefined);
    await expect(open().size('moved')).resolves.toBe(SIZE);
    for (const location of ['https://elsewhere.test/big', `http://127.0.0.1:${server.port}/big`]) {
      server.onRequest = () => ({ kind: 'status', status: 302, location });
      await expect(open().size('moved')).rejects.toMatchObject({
        code: 'CACHE_BAD_RESPONSE',
        message: expect.stringContaining('redirects to another place'),
      });
    }
    server.onRequest = () => ({ kind: 'status', status: 302, location: '/moved' });
    await expect(open().size('moved')).rejects.toMatchObject({ message: expect.stringContaining('in a circle') });
  });
});

describe('trust and settings', () => {
  test('a certificate from an authority that is not ours is refused at once', async () => {
    const other = makeCertificates(makeFolder('other'));
    for (const caFile of [undefined, other.caFile]) {
      await expect(open({ caFile }).size('big')).rejects.toMatchObject({
        code: 'CACHE_TLS_UNTRUSTED',
        data: { host: `127.0.0.1:${server.port}`, caFile },
      });
    }
    expect(server.requests).toHaveLength(0);
  });

  test('an authority that this machine trusts is trusted, also beside another that is configured', async () => {
    const other = makeCertificates(makeFolder('other'));
    const client = join(import.meta.dirname, '../../lib/cache/https/client.ts');
    // What a process trusts is settled when it starts.
    const script = `
      const { createHttpClient } = await import(${JSON.stringify(client)});
      const ask = async (caFile) => {
        const client = createHttpClient({ caFile, idleMs: 5000 });
        const get = { method: 'HEAD', url: '${server.url}/big' };
        const all = await Promise.all([1, 2, 3].map(() => client.send(get)));
        for (const one of all) one.resume();
        client.close();
        return all.map((one) => one.statusCode);
      };
      console.log(JSON.stringify([await ask(undefined), await ask(${JSON.stringify(other.caFile)})]));`;
    const env = { PATH: process.env.PATH, SSL_CERT_FILE: certificates.caFile };
    const args = ['--no-warnings', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    expect(JSON.parse(stdout)).toEqual([
      [200, 200, 200],
      [200, 200, 200],
    ]);
  });

  test('a certificate for another name is refused', async () => {
    await expect(open({ url: `https://127.0.0.2:${server.port}` }).size('big')).rejects.toMatchObject({
      code: expect.stringMatching(/CACHE_TLS_UNTRUSTED|CACHE_UNREACHABLE/),
    });
    await expect(open({ url: `https://localhost:${server.port}` }).size('big')).resolves.toBe(SIZE);
  });

  test('a mirror is read like a cache, and nothing is ever written to it', async () => {
    const mirror = createMirrorStore({ url: server.url, caFile: certificates.caFile });
    stores.push(mirror);
    await expect(mirror.size('big')).resolves.toBe(SIZE);
    await expect(mirror.list('')).resolves.toContain('big');
    await expect(mirror.readText('none')).resolves.toBeUndefined();
    const to = join(makeFolder(), 'to');
    await mirror.download('big', to);
    expect(digestOf(to)).toBe(digestOf(join(root, 'big')));
    for (const write of [mirror.publish([{ file: to, path: 'x' }]), mirror.remove('big')]) {
      await expect(write).rejects.toMatchObject({
        code: 'CACHE_SETTING_INVALID',
        data: { reason: 'a mirror is only read' },
      });
    }
    for (const url of ['nonsense', 'https://u:p@x']) {
      expect(() => createMirrorStore({ url })).toThrow(
        expect.objectContaining({
          code: 'CACHE_SETTING_INVALID',
          data: expect.objectContaining({ setting: 'BUILDCACHE_MIRROR_URL' }),
        }),
      );
    }
  });

  test('settings that cannot be', async () => {
    for (const url of ['nonsense', 'ftp://x', 'https://u:p@x', 'https://x/?q']) {
      expect(() => open({ url })).toThrow(expect.objectContaining({ code: 'CACHE_SETTING_INVALID', kind: 'misuse' }));
    }
    await expect(open({ caFile: '/none.pem' }).size('big')).rejects.toMatchObject({
      code: 'CACHE_SETTING_INVALID',
      data: { setting: 'BUILDCACHE_CA_FILE' },
    });
  });
});
