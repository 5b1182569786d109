import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createRunner } from '../../lib/process/index.ts';
import { createEmptyRing, openSigner, openVerifier, type Signer, type Verifier } from '../../lib/signing/index.ts';
import { makeTestKey, signAt, type TestKey } from '../helpers/gpg.ts';
import { processesNaming, waitUntilGone } from '../helpers/processes.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
const open: { close(): Promise<void> }[] = [];

let keys: string;
let good: TestKey;
let foreign: TestKey;
let expired: TestKey;
let locked: TestKey;

beforeAll(() => {
  keys = makeFolder('keys');
  good = makeTestKey({ folder: keys, name: 'Good' });
  foreign = makeTestKey({ folder: keys, name: 'Foreign' });
  expired = makeTestKey({ folder: keys, name: 'Expired', expired: true });
  locked = makeTestKey({ folder: keys, name: 'Locked', passphrase: 'secret' });
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const signerOf = async (key: TestKey, parent = makeFolder(), tree = '/tree'): Promise<Signer> => {
  const signer = await openSigner({ signer: key.fingerprint, signingKey: key.secretKeyFile, runner, parent, tree });
  if (!signer) throw new Error('no signer');
  open.push(signer);
  return signer;
};

const verifierOf = async (trustedKeys: string): Promise<Verifier> => {
  const verifier = await openVerifier({ trustedKeys, runner, parent: makeFolder() });
  if (!verifier) throw new Error('no verifier');
  open.push(verifier);
  return verifier;
};

describe('openSigner', () => {
  test('nothing configured: no signer; half: a clear refusal', async () => {
    const parent = makeFolder();
    await expect(
      openSigner({ signer: '', signingKey: undefined, runner, parent, tree: '/tree' }),
    ).resolves.toBeUndefined();
    await expect(openSigner({ signer: 'me', signingKey: '', runner, parent, tree: '/tree' })).rejects.toMatchObject({
      code: 'SIGNER_INCOMPLETE',
      kind: 'misuse',
      data: { given: 'SIGNER', missing: 'SIGNING_KEY' },
    });
    await expect(
      openSigner({ signer: undefined, signingKey: '/k', runner, parent, tree: '/tree' }),
    ).rejects.toMatchObject({
      code: 'SIGNER_INCOMPLETE',
      data: { given: 'SIGNING_KEY', missing: 'SIGNER' },
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  test('has a private home with an agent, which both are gone after close', async () => {
    const parent = makeFolder();
    const signer = await signerOf(good, parent);
    expect(statSync(signer.home).mode & 0o777).toBe(0o700);
    expect(signer.home.startsWith(parent)).toBe(true);
    expect(signer.fingerprint).toBe(good.fingerprint);
    expect(processesNaming(signer.home)).toHaveLength(1);
    await signer.close();
    await signer.close();
    expect(existsSync(signer.home)).toBe(false);
    expect(await waitUntilGone(signer.home)).toEqual([]);
  });

  test('the key and the agent of a killed process are ended by the next one', async () => {
    const parent = makeFolder();
    const first = await signerOf(good, parent);
    const orphan = first.home;
    const owner = readFileSync(join(orphan, '.slipway-owner'), 'utf8');
    await first.close();
    mkdirSync(orphan, { mode: 0o700 });
    writeFileSync(join(orphan, '.slipway-owner'), owner.replace(/-\d+-/, '-4194303-'));
    const inOrphan = createRunner({ cwd: '/', env: { PATH: process.env.PATH, GNUPGHOME: orphan } });
    await inOrphan.run(['gpg', '--batch', '--quiet', '--import', good.secretKeyFile]);
    const agent = processesNaming(orphan);
    expect(agent).toHaveLength(1);
    const second = await signerOf(good, parent);
    expect(readdirSync(parent)).toEqual([basename(second.home)]);
    // Its successor has the same name, and an agent of its own.
    expect(second.home).toBe(orphan);
    const isThere = (): boolean => processesNaming(orphan).some((pid) => agent.includes(pid));
    for (let tries = 0; isThere() && tries < 200; tries += 1) await sleep(50);
    expect(isThere()).toBe(false);
  });

  test('has the same path for one tree after the other, so that a container that is started again finds it', async () => {
    const parent = makeFolder();
    const first = await signerOf(good, parent);
    // Another step of the same tree at the same time, and another tree.
    const second = await signerOf(good, parent);
    const other = await signerOf(good, parent, '/other');
    expect(new Set([first.home, second.home, other.home]).size).toBe(3);
    await first.close();
    const file = writeFileAt(join(makeFolder(), 'f'), 'x');
    await expect(second.sign(file)).resolves.toBe(`${file}.sig`);
    const third = await signerOf(good, parent);
    expect(third.home).toBe(first.home);
  });

  test('an empty ring is private, in the same place, and refuses to be anything else than new', async () => {
    const parent = makeFolder();
    const signer = await signerOf(good, parent);
    await signer.close();
    // What an engine makes of a missing folder that it is to mount.
    mkdirSync(signer.home);
    const ring = await createEmptyRing(parent, '/tree');
    expect(ring.home).toBe(signer.home);
    expect(statSync(ring.home).mode & 0o777).toBe(0o700);
    expect(readdirSync(ring.home).sort()).toEqual(['.slipway-owner', 'private-keys-v1.d']);
    await ring.close();
    expect(readdirSync(parent)).toEqual([]);
    mkdirSync(signer.home);
    writeFileSync(join(signer.home, 'gpg.conf'), 'of somebody else');
    const elsewhere = await createEmptyRing(parent, '/tree');
    expect(elsewhere.home).not.toBe(signer.home);
    await elsewhere.close();
  });

  test('never has a path that a container engine would split', async () => {
    const parent = join(makeFolder(), 'a:b');
    mkdirSync(parent);
    const signer = await signerOf(good, parent);
    expect(signer.home).not.toContain(':');
  });

  test('a signer whose name has quotes, dollar signs and spaces is one word to gpg', async () => {
    const odd = makeTestKey({ folder: makeFolder(), name: `O"dd' $(touch x) $HOME` });
    const signer = await openSigner({
      signer: odd.userId,
      signingKey: odd.secretKeyFile,
      runner,
      parent: makeFolder(),
      tree: '/tree',
    });
    if (!signer) throw new Error('no signer');
    open.push(signer);
    expect(signer).toMatchObject({ signer: odd.userId, fingerprint: odd.fingerprint });
    const file = writeFileAt(join(makeFolder(), 'f'), 'x');
    await signer.sign(file);
    await expect((await verifierOf(odd.publicKeyFile)).verify(file, `${file}.sig`)).resolves.toMatchObject({
      valid: true,
    });
  });

  test('with several keys in the file the fingerprint is that of the signer', async () => {
    const both = writeFileAt(
      join(makeFolder(), 'both'),
      readFileSync(foreign.secretKeyFile, 'utf8') + readFileSync(good.secretKeyFile, 'utf8'),
    );
    const signer = await openSigner({
      signer: good.userId,
      signingKey: both,
      runner,
      parent: makeFolder(),
      tree: '/tree',
    });
    if (signer) open.push(signer);
    expect(signer?.fingerprint).toBe(good.fingerprint);
  });

  test('closes after an interruption, when nothing can be run any more', async () => {
    const controller = new AbortController();
    const parent = makeFolder();
    const stopped = createRunner({ cwd: '/', env: { PATH: process.env.PATH }, signal: controller.signal });
    const signer = await openSigner({
      signer: good.userId,
      signingKey: good.secretKeyFile,
      runner: stopped,
      parent,
      tree: '/tree',
    });
    controller.abort(new Error('interrupted'));
    await signer?.close();
    expect(readdirSync(parent)).toEqual([]);
  });

  test('works below a folder whose path is too long for sockets', async () => {
    const parent = join(makeFolder(), 'long'.repeat(30));
    mkdirSync(parent);
    const signer = await signerOf(good, parent);
    const file = writeFileAt(join(makeFolder(), 'f'), 'x');
    await expect(signer.sign(file)).resolves.toBe(`${file}.sig`);
  });

  test.each([
    ['expired', () => expired, /expired on 20(20-12|21-01)/],
    ['locked by a passphrase', () => locked, /passphrase/],
  ])('a key that is %s is refused at once', async (_name, key, reason) => {
    const parent = makeFolder();
    const { fingerprint, secretKeyFile } = key();
    await expect(
      openSigner({ signer: fingerprint, signingKey: secretKeyFile, runner, parent, tree: '/tree' }),
    ).rejects.toMatchObject({
      code: 'SIGNER_KEY_UNUSABLE',
      kind: 'misuse',
      message: expect.stringMatching(reason),
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  test('no such file, no key in it, public only, key of somebody else', async () => {
    const folder = makeFolder();
    const refusal = async (signer: string, signingKey: string): Promise<string> => {
      const error = await openSigner({ signer, signingKey, runner, parent: folder, tree: '/tree' }).catch(
        (one: unknown) => one,
      );
      expect(error).toMatchObject({ code: 'SIGNER_KEY_UNUSABLE' });
      return (error as Error).message;
    };
    await expect(refusal('x', join(folder, 'none'))).resolves.toMatch(/cannot be read \(ENOENT\)/);
    await expect(refusal('x', writeFileAt(join(keys, 'junk'), 'junk'))).resolves.toMatch(/holds no OpenPGP key/);
    await expect(refusal(good.fingerprint, good.publicKeyFile)).resolves.toMatch(/public key only/);
    await expect(refusal('stranger@example.test', good.secretKeyFile)).resolves.toContain(good.fingerprint);
  });
});

describe('signatures', () => {
  test('detached and clear, on odd names, over earlier ones; gpg of the trusted side agrees', async () => {
    const signer = await signerOf(good);
    const verifier = await verifierOf(good.publicKeyFile);
    const folder = makeFolder();
    await Promise.all(
      ODD_NAMES.map(async (name) => {
        const file = writeFileAt(join(folder, name), name);
        writeFileSync(`${file}.sig`, 'an older signature');
        await signer.sign(file);
        await signer.clearSign(file);
        await expect(verifier.verify(file, `${file}.sig`)).resolves.toMatchObject({
          valid: true,
          fingerprint: good.fingerprint,
          signedBy: good.userId,
        });
        expect(readFileSync(`${file}.asc`, 'utf8')).toMatch(/^-----BEGIN PGP SIGNED MESSAGE-----\n/);
      }),
    );
    expect(readdirSync(folder)).toHaveLength(ODD_NAMES.length * 3);
  });

  test('a file that cannot be read is named', async () => {
    const signer = await signerOf(good);
    const file = join(makeFolder(), 'none');
    await expect(signer.sign(file)).rejects.toMatchObject({ code: 'SIGNING_FAILED', data: { file } });
  });

  test('are told apart: bad, foreign, expired key, expired signature, no signature', async () => {
    const verifier = await verifierOf(keys);
    const onlyGood = await verifierOf(good.publicKeyFile);
    const file = writeFileAt(join(makeFolder(), 'f'), 'content');
    const verdict = (by: Verifier) => by.verify(file, `${file}.sig`);

    await (await signerOf(good)).sign(file);
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: true });
    writeFileSync(file, 'Content');
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: false, reason: 'bad' });

    await (await signerOf(foreign)).sign(file);
    await expect(verdict(onlyGood)).resolves.toMatchObject({ valid: false, reason: 'unknown-key' });
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: true, fingerprint: foreign.fingerprint });

    signAt(expired, file, '20200301T000000!');
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: false, reason: 'expired-key' });

    signAt(good, file, `${new Date(Date.now() + 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}!`, [
      '--default-sig-expire',
      'seconds=1',
    ]);
    await sleep(3000);
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: false, reason: 'expired-signature' });

    writeFileSync(`${file}.sig`, 'no signature');
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: false, reason: 'unreadable' });
    writeFileSync(`${file}.sig`, '');
    await expect(verdict(verifier)).resolves.toMatchObject({ valid: false, reason: 'unreadable' });
  });
});

describe('openVerifier', () => {
  test('takes a file or a folder, with other files in it; nothing configured: none', async () => {
    const parent = makeFolder();
    await expect(openVerifier({ trustedKeys: '', runner, parent })).resolves.toBeUndefined();
    writeFileSync(join(keys, 'README'), 'Keys of our builders.\n');
    await expect(verifierOf(keys)).resolves.toMatchObject({ trustedKeys: keys });
  });

  test('refuses what holds no key', async () => {
    const parent = makeFolder();
    const empty = makeFolder();
    const junk = writeFileAt(join(makeFolder(), 'junk'), 'junk');
    for (const trustedKeys of [empty, junk, join(empty, basename(junk))]) {
      await expect(openVerifier({ trustedKeys, runner, parent })).rejects.toMatchObject({
        code: 'TRUSTED_KEYS_INVALID',
        kind: 'misuse',
      });
    }
    expect(readdirSync(parent)).toEqual([]);
  });
});
