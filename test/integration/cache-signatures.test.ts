import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { openSigner, openVerifier } from '../../lib/signing/index.ts';
import { makeTestKey, signAt, type TestKey } from '../helpers/gpg.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, noise, ODD_NAMES, writeFileAt } from '../helpers/temp-files.ts';

// Programs are started, on machines that may be busy.
jest.setTimeout(60_000);

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });
const open: { close(): Promise<void> }[] = [];
const PATH = 'images/amd64/1.2.3/image.bin';

let keys: Record<'good' | 'other' | 'expired', TestKey>;

beforeAll(() => {
  const folder = makeFolder('keys');
  keys = {
    good: makeTestKey({ folder, name: 'Good' }),
    other: makeTestKey({ folder, name: 'Other' }),
    expired: makeTestKey({ folder, name: 'Expired', expired: true }),
  };
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** Publishes one artifact, signed or not, and gives a cache that trusts the good and the expired key. */
const publishOne = async (signedBy: TestKey | undefined = keys.good) => {
  const dir = makeFolder('cache');
  const store = createStore({ user: '', pathPrefix: '/', sshPort: 22, dir }, { runner });
  const file = writeFileAt(join(makeFolder('work'), 'image.bin'), noise(100_000));
  const parent = makeFolder();
  const signer = await openSigner({
    signer: signedBy?.fingerprint,
    signingKey: signedBy?.secretKeyFile,
    runner,
    parent,
    tree: '/tree',
  });
  if (signer) open.push(signer);
  await createArtifactCache({ store, signer }).publish({ folder: 'images/amd64/1.2.3', files: [file] });
  const trusted = makeFolder('trusted');
  for (const key of [keys.good, keys.expired])
    writeFileAt(join(trusted, key.fingerprint), readFileSync(key.publicKeyFile));
  const verifier = await openVerifier({ trustedKeys: trusted, runner, parent });
  if (verifier) open.push(verifier);
  const cache = createArtifactCache({ store, verifier, secondTryMs: 10 });
  return { dir, store, file, cache, signer, trusted, to: makeFolder('to'), published: join(dir, PATH) };
};

describe('publishing with a signer', () => {
  test('the set is X, X.DIGESTS, X.DIGESTS.asc, X.DIGESTS.sig, X.sig, and each of them verifies with gpg', async () => {
    const { dir, cache, to, published, trusted } = await publishOne();
    const names = ['', '.DIGESTS', '.DIGESTS.asc', '.DIGESTS.sig', '.sig'].map((suffix) => `${PATH}${suffix}`);
    expect(listTree(dir)).toEqual(names);
    await expect(cache.fetch(PATH, to)).resolves.toMatchObject({ sizeBytes: 100_000 });
    expect(listTree(to)).toEqual(['image.bin']);
    const gpg = (...args: [string, ...string[]]) =>
      runner.run(['gpg', '--homedir', makeFolder('gpg'), '--batch', '--no-autostart', ...args], { stdout: 'capture' });
    const keyring = join(makeFolder(), 'keyring.gpg');
    await gpg('--no-default-keyring', '--keyring', keyring, '--import', join(trusted, keys.good.fingerprint));
    const check = (...files: string[]) => gpg('--no-default-keyring', '--keyring', keyring, '--verify', ...files);
    await check(`${published}.sig`, published);
    await check(`${published}.DIGESTS.sig`, `${published}.DIGESTS`);
    await check(`${published}.DIGESTS.asc`);
    expect(readFileSync(`${published}.DIGESTS.asc`, 'utf8').replaceAll('\n- #', '\n#')).toContain(
      readFileSync(`${published}.DIGESTS`, 'utf8').trim(),
    );
  });

  test('signatures only, where there are no digests', async () => {
    const { dir, file, store, signer } = await publishOne();
    await createArtifactCache({ store, signer }).publish({ folder: 'pkgs', files: [file], digests: false });
    expect(listTree(join(dir, 'pkgs'))).toEqual(['image.bin', 'image.bin.sig']);
  });

  test('a second time, over what the first left in the work folder', async () => {
    const { cache, file, store, signer, to } = await publishOne();
    writeFileSync(file, noise(5000));
    const request = { folder: 'images/amd64/1.2.3', files: [file], replace: true };
    await createArtifactCache({ store, signer }).publish(request);
    await expect(cache.fetch(PATH, to)).resolves.toMatchObject({ sizeBytes: 5000, sha256: digestOf(file) });
  });

  test('signatures that the cache lacks are added to an artifact that it has', async () => {
    const { dir, cache, file, store, signer, published, to } = await publishOne();
    rmSync(`${published}.sig`);
    await createArtifactCache({ store, signer }).publish({ folder: 'images/amd64/1.2.3', files: [file] });
    await cache.fetch(PATH, to);
    expect(listTree(dir)).toHaveLength(5);
  });

  test('what is replaced without a signer loses the old signatures', async () => {
    const { dir, file, store } = await publishOne();
    writeFileSync(file, 'new');
    await createArtifactCache({ store }).publish({ folder: 'images/amd64/1.2.3', files: [file], replace: true });
    expect(listTree(dir)).toEqual([PATH, `${PATH}.DIGESTS`]);
  });
});

describe('fetching where keys are trusted', () => {
  const refusal = async (cache: { fetch(path: string, to: string): Promise<unknown> }, to: string) => {
    const error = await cache.fetch(PATH, to).catch((one: unknown) => one);
    expect(error).toMatchObject({ kind: 'unverified' });
    expect(listTree(to)).toEqual([]);
    return error;
  };

  test('an artifact without signature is refused, also when it is here already', async () => {
    const { cache, to, published, trusted, dir } = await publishOne();
    rmSync(`${published}.sig`);
    const expected = {
      code: 'ARTIFACT_SIGNATURE_MISSING',
      data: { path: PATH, location: dir, signature: `${PATH}.sig`, trustedKeys: trusted },
    };
    await expect(refusal(cache, to)).resolves.toMatchObject(expected);
    writeFileSync(join(to, 'image.bin'), readFileSync(published));
    await expect(cache.fetch(PATH, to)).rejects.toMatchObject(expected);
  });

  test('a foreign signature is refused', async () => {
    const { cache, to } = await publishOne(keys.other);
    await expect(refusal(cache, to)).resolves.toMatchObject({
      code: 'ARTIFACT_SIGNATURE_INVALID',
      data: { path: PATH, signature: `${PATH}.sig`, reason: 'unknown-key' },
      message: expect.stringContaining(keys.other.fingerprint.slice(-16)),
    });
  });

  test('a signature by a key that has expired is refused', async () => {
    const { cache, to, published } = await publishOne();
    signAt(keys.expired, published, '20200301T000000!');
    await expect(refusal(cache, to)).resolves.toMatchObject({ data: { reason: 'expired-key' } });
  });

  test('a signature of something else, and something that is no signature, are refused', async () => {
    const { cache, to, published } = await publishOne();
    writeFileSync(`${published}.sig`, readFileSync(`${published}.DIGESTS.sig`));
    await expect(refusal(cache, to)).resolves.toMatchObject({
      code: 'ARTIFACT_SIGNATURE_INVALID',
      data: { reason: 'bad' },
    });
    writeFileSync(`${published}.sig`, 'x');
    await expect(refusal(cache, to)).resolves.toMatchObject({ data: { reason: 'unreadable' } });
  });

  test('a forger who fits the digests is found by the signature', async () => {
    const { cache, store, to } = await publishOne();
    const forged = writeFileAt(join(makeFolder('forger'), 'image.bin'), noise(100_000, 'forged'));
    const withoutChecks = createArtifactCache({ store });
    const { publish } = store;
    (store as { publish: typeof publish }).publish = (uploads) => publish(uploads);
    (store as { remove: typeof store.remove }).remove = async () => {};
    await withoutChecks.publish({ folder: 'images/amd64/1.2.3', files: [forged], replace: true });
    await expect(withoutChecks.fetch(PATH, makeFolder('to'))).resolves.toMatchObject({ sizeBytes: 100_000 });
    await expect(refusal(cache, to)).resolves.toMatchObject({
      code: 'ARTIFACT_SIGNATURE_INVALID',
      data: { reason: 'bad' },
    });
  });

  test('a tampered artifact is told by its digests', async () => {
    const { cache, to, published } = await publishOne();
    writeFileSync(published, noise(100_000, 'tampered'));
    await expect(refusal(cache, to)).resolves.toMatchObject({ code: 'ARTIFACT_DIGEST_MISMATCH' });
  });
});

describe('a signature says for which path it is', () => {
  const OTHER = 'images/amd64/1.2.2/image.bin';
  const COMPANIONS = ['', '.sig', '.DIGESTS', '.DIGESTS.sig', '.DIGESTS.asc'];

  /** Another version, signed as well, in the same cache. */
  const publishTwo = async () => {
    const world = await publishOne();
    const file = writeFileAt(join(makeFolder('work'), 'image.bin'), noise(50_000, 'older'));
    await createArtifactCache({ store: world.store, signer: world.signer }).publish({
      folder: 'images/amd64/1.2.2',
      files: [file],
    });
    return world;
  };

  /** Copies an artifact over another one, with everything that goes with it, as whoever has the server could. */
  const move = (dir: string, from: string, to: string): void => {
    mkdirSync(dirname(join(dir, to)), { recursive: true });
    for (const ending of COMPANIONS) copyFileSync(join(dir, `${from}${ending}`), join(dir, `${to}${ending}`));
  };

  const statusOf = async (signature: string, file: string | undefined, key: TestKey): Promise<string> => {
    const home = makeFolder('gpg');
    const base = ['gpg', '--homedir', home, '--batch', '--no-autostart', '--status-fd=1'] as const;
    await runner.run([...base, '--import', key.publicKeyFile], { stdout: 'capture' });
    return (await runner.run([...base, '--verify', signature, ...(file ? [file] : [])], { stdout: 'capture' })).stdout;
  };

  test('in all signatures of a set, not critical, and gpg itself accepts them', async () => {
    const { published } = await publishOne();
    const path = (line: string) => `NOTATION_DATA ${line}\n`;
    for (const [signature, file, of] of [
      [`${published}.sig`, published, PATH],
      [`${published}.DIGESTS.sig`, `${published}.DIGESTS`, `${PATH}.DIGESTS`],
    ] as const) {
      const status = await statusOf(signature, file, keys.good);
      expect(status).toContain('NOTATION_NAME path@slipway.build\n');
      expect(status).toContain('NOTATION_FLAGS 0 ');
      expect(status).toContain(path(of));
      expect(status).toContain('GOODSIG ');
    }
    // Clear-signed, there is no other file.
    expect(await statusOf(`${published}.DIGESTS.asc`, undefined, keys.good)).toContain(path(`${PATH}.DIGESTS`));
    const { stdout } = await runner.run(['gpg', '--batch', '--list-packets', `${published}.sig`], {
      stdout: 'capture',
    });
    // Hashed, that is: signed as well.
    expect(stdout).toMatch(new RegExp(`\\thashed subpkt 20 .*path@slipway\\.build=${PATH}`));
  });

  test('an older version under the name of a newer one is refused: a downgrade', async () => {
    const { dir, cache, to, trusted } = await publishTwo();
    move(dir, OTHER, PATH);
    await expect(cache.fetch(PATH, to)).rejects.toMatchObject({
      code: 'ARTIFACT_SIGNATURE_INVALID',
      kind: 'unverified',
      data: { path: PATH, signature: `${PATH}.sig`, reason: 'other-path', trustedKeys: trusted },
      message: expect.stringContaining(`for ${OTHER}, and was found with ${PATH}`),
    });
    expect(listTree(to)).toEqual([]);
    await expect(cache.fetch(OTHER, to)).resolves.toMatchObject({ sizeBytes: 50_000 });
  });

  test('one artifact for another, in the same folder and under the same name elsewhere, is refused', async () => {
    const { dir, cache, to } = await publishTwo();
    const elsewhere = 'images/arm64/1.2.3/image.bin';
    move(dir, PATH, elsewhere);
    await expect(cache.fetch(elsewhere, to)).rejects.toMatchObject({ data: { reason: 'other-path' } });
    // Under another name the digests have to be edited for it to get so far.
    const renamed = 'images/amd64/1.2.3/kernel.bin';
    move(dir, PATH, renamed);
    const digests = readFileSync(join(dir, `${PATH}.DIGESTS`), 'utf8');
    writeFileSync(join(dir, `${renamed}.DIGESTS`), digests.replaceAll('  image.bin\n', '  kernel.bin\n'));
    await expect(cache.fetch(renamed, to)).rejects.toMatchObject({ data: { reason: 'other-path' } });
    expect(listTree(to)).toEqual([]);
  });

  test('what is here already is refused, too, when the signature in the cache is for another path', async () => {
    const { dir, cache, to } = await publishTwo();
    move(dir, OTHER, PATH);
    copyFileSync(join(dir, OTHER), join(to, 'image.bin'));
    await expect(cache.fetch(PATH, to)).rejects.toMatchObject({ data: { reason: 'other-path' } });
  });

  test('a signature that says nothing of a path, as other programs make them, is accepted as before', async () => {
    const { cache, to, published } = await publishOne();
    signAt(keys.good, published, '20300101T000000!', ['--ignore-time-conflict']);
    const status = await statusOf(`${published}.sig`, published, keys.good);
    expect(status).not.toContain('NOTATION');
    await expect(cache.fetch(PATH, to)).resolves.toMatchObject({ sizeBytes: 100_000 });
  });

  test('notations of others do not matter, and one of ours among them does', async () => {
    const { cache, to, published } = await publishOne();
    const foreign = ['--sig-notation', 'path@other.example=somewhere/else'];
    signAt(keys.good, published, '20300101T000000!', foreign);
    await expect(cache.fetch(PATH, to)).resolves.toMatchObject({ sizeBytes: 100_000 });
    signAt(keys.good, published, '20300101T000000!', [...foreign, '--sig-notation', 'path@slipway.build=x/y']);
    await expect(cache.fetch(PATH, makeFolder('to'))).rejects.toMatchObject({ data: { reason: 'other-path' } });
    const both = ['--sig-notation', `path@slipway.build=${PATH}`, '--sig-notation', 'path@slipway.build=x/y'];
    signAt(keys.good, published, '20300101T000000!', both);
    await expect(cache.fetch(PATH, makeFolder('to'))).rejects.toMatchObject({ data: { reason: 'other-path' } });
  });

  test.each([...ODD_NAMES, 'a%20b', '100%%', `${'long'.repeat(50)}.bin`])('of an artifact named %s', async (name) => {
    const { cache, dir, store, signer, to } = await publishOne();
    const file = writeFileAt(join(makeFolder('work'), name), name);
    const folder = 'odd/4799.0.0+nightly-1 %k';
    await createArtifactCache({ store, signer }).publish({ folder, files: [file] });
    await expect(cache.fetch(`${folder}/${name}`, to)).resolves.toMatchObject({ sizeBytes: Buffer.byteLength(name) });
    move(dir, `${folder}/${name}`, `odd/other/${name}`);
    await expect(cache.fetch(`odd/other/${name}`, to)).rejects.toMatchObject({
      data: { reason: 'other-path' },
      message: expect.stringContaining(`for ${folder}/${name}, and was found with odd/other/${name}`),
    });
  });
});
