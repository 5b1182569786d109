import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createArtifactCache, createStore } from '../../lib/cache/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { openSigner, openVerifier } from '../../lib/signing/index.ts';
import { makeTestKey, signAt, type TestKey } from '../helpers/gpg.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { digestOf, listTree, noise, writeFileAt } from '../helpers/temp-files.ts';

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
    await createArtifactCache({ store, signer }).publish({ folder: 'images/amd64/1.2.3', files: [file] });
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
    await createArtifactCache({ store }).publish({ folder: 'images/amd64/1.2.3', files: [file] });
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
    await withoutChecks.publish({ folder: 'images/amd64/1.2.3', files: [forged] });
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
