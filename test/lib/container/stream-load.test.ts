import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type CacheStore, createArtifactCache } from '../../../lib/cache/index.ts';
import { createLocalStore } from '../../../lib/cache/local-store.ts';
import { watchArchive } from '../../../lib/container/archive-index.ts';
import { holdBack, NotStreamableError } from '../../../lib/container/hold-back.ts';
import { loadStreamedImage, saveImage } from '../../../lib/container/image-archive.ts';
import { silentLog } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { openSigner, openVerifier, type Verifier } from '../../../lib/signing/index.ts';
import { makeTestKey } from '../../helpers/gpg.ts';
import { tarEntry, tarOf } from '../../helpers/layer-tar.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { scriptEngine } from './script-engine.ts';

const PATIENT_MS = 60_000;
const makeTemp = useTempFolders();
const PATH = 'containers/1.0.0/image-1.0.0.tar.zst';
const DECOMPRESS = ['zstd', '-d', '-q', '-c'] as const;

const layer = randomBytes(3_000_000);
const manifest = JSON.stringify([
  { Config: `${'a'.repeat(64)}.json`, RepoTags: ['image:1.0.0'], Layers: ['l/layer.tar'] },
]);
const archive = tarOf(
  { name: 'l/layer.tar', content: layer },
  { name: `${'a'.repeat(64)}.json`, content: '{}' },
  { name: 'manifest.json', content: manifest },
  { name: 'repositories', content: '{}' },
);
const indexStart =
  archive.length - 1024 - [manifest, '{}'].reduce((sum, one) => sum + 512 + Math.ceil(one.length / 512) * 512, 0);

let dir = '';
let store: CacheStore;
beforeEach(() => {
  dir = makeTemp();
  store = createLocalStore({ dir });
});

/** Publishes bytes, with their digests, and signatures where there is a key. */
const publish = async (bytes: Buffer, signer?: Parameters<typeof createArtifactCache>[0]['signer']): Promise<void> => {
  const file = join(makeTemp(), 'image-1.0.0.tar.zst');
  await writeFile(file, bytes);
  await createArtifactCache({ store, signer }).publish({ folder: dirname(PATH), files: [file] });
};

/** An engine whose `load` writes what it gets to a file, and says at the end whether it came to an end. */
const makeEngine = () => {
  const folder = makeTemp();
  const script = `cat > ${folder}/got && touch ${folder}/whole; exit 0`;
  const { engine, effects } = scriptEngine(script, folder);
  return {
    tools: { engine, effects, log: silentLog },
    got: () => (existsSync(join(folder, 'got')) ? readFileSync(join(folder, 'got')) : Buffer.alloc(0)),
    isWhole: () => existsSync(join(folder, 'whole')),
  };
};

const load = (engine: ReturnType<typeof makeEngine>, folder: string, verifier?: Verifier) =>
  createArtifactCache({ store, verifier }).stream?.(PATH, folder, (artifact) =>
    loadStreamedImage(engine.tools, 'image', artifact, DECOMPRESS),
  );

describe('an archive that is loaded while it comes', () => {
  test(
    'arrives whole, with its record and its index, and leaves nothing behind',
    async () => {
      const packed = zstdCompressSync(archive);
      await publish(packed);
      const folder = makeTemp();
      const engine = makeEngine();
      const loaded = await load(engine, folder);
      expect(engine.got().equals(archive)).toBe(true);
      expect(engine.isWhole()).toBe(true);
      const sha256 = createHash('sha256').update(packed).digest('hex');
      expect(loaded?.record).toEqual({ path: PATH, sizeBytes: packed.length, sha256 });
      expect([...(loaded?.value.names ?? [])]).toEqual(['image:1.0.0']);
      expect(await readdir(folder)).toEqual([]);
    },
    PATIENT_MS,
  );

  test(
    'and is not what was published: the engine is killed before it gets the index',
    async () => {
      const other = Buffer.from(archive);
      other[1000] = (other[1000] ?? 0) ^ 1;
      await publish(zstdCompressSync(archive));
      await writeFile(join(dir, PATH), zstdCompressSync(other));
      const engine = makeEngine();
      await expect(load(engine, makeTemp())).rejects.toMatchObject({ code: 'ARTIFACT_DIGEST_MISMATCH' });
      expect(engine.isWhole()).toBe(false);
      const got = engine.got();
      expect(got.equals(other.subarray(0, got.length))).toBe(true);
      expect(got.length).toBeLessThanOrEqual(indexStart);
    },
    PATIENT_MS,
  );

  test(
    'and is cut off or damaged so that it cannot be unpacked: the engine is killed as well',
    async () => {
      const packed = zstdCompressSync(archive);
      await publish(packed);
      for (const bad of [
        packed.subarray(0, packed.length - 1000),
        Buffer.concat([packed.subarray(0, 4), randomBytes(2_000_000)]),
      ]) {
        await writeFile(join(dir, PATH), bad);
        const engine = makeEngine();
        await expect(load(engine, makeTemp())).rejects.toMatchObject({
          code: expect.stringMatching(/^(ARTIFACT_DIGEST_MISMATCH|COMMAND_FAILED)$/),
        });
        expect(engine.isWhole()).toBe(false);
      }
    },
    PATIENT_MS,
  );

  test(
    'is held to its signature as it comes',
    async () => {
      const keys = makeTemp();
      const [own, stranger] = ['Own', 'Stranger'].map((name) => makeTestKey({ folder: keys, name }));
      if (!own || !stranger) throw new Error('no keys');
      const runner = createRunner({ cwd: keys, env: { PATH: process.env.PATH } });
      const signer = await openSigner({
        signer: own.fingerprint,
        signingKey: own.secretKeyFile,
        runner,
        parent: keys,
        tree: keys,
      });
      const verifiers = await Promise.all(
        [own, stranger].map((key) => openVerifier({ trustedKeys: key.publicKeyFile, runner, parent: keys })),
      );
      try {
        await publish(zstdCompressSync(archive), signer);
        const good = makeEngine();
        expect((await load(good, makeTemp(), verifiers[0]))?.record.path).toBe(PATH);
        expect(good.isWhole()).toBe(true);
        const bad = makeEngine();
        await expect(load(bad, makeTemp(), verifiers[1])).rejects.toMatchObject({ code: 'ARTIFACT_SIGNATURE_INVALID' });
        expect(bad.isWhole()).toBe(false);
      } finally {
        for (const one of [signer, ...verifiers]) await one?.close();
      }
    },
    PATIENT_MS,
  );

  test(
    'is left to be fetched when it is small, not there, or on a server without ranges',
    async () => {
      const engine = makeEngine();
      expect(await load(engine, makeTemp())).toBeUndefined();
      await publish(zstdCompressSync(Buffer.alloc(1000)));
      expect(await load(engine, makeTemp())).toBeUndefined();
      expect(engine.got().length).toBe(0);
      await writeFile(join(dir, PATH), randomBytes(2_000_000));
      const cache = createArtifactCache({ store: { ...store, rangedSize: async () => undefined } });
      expect(await cache.stream?.(PATH, makeTemp(), async () => 'used')).toBeUndefined();
    },
    PATIENT_MS,
  );

  test(
    'fails as the engine does, and does not blame the bytes',
    async () => {
      await publish(zstdCompressSync(archive));
      const script = 'head -c 100000 >/dev/null; echo "write /layer.tar: no space left on device" >&2; exit 1';
      const { engine, effects } = scriptEngine(script, makeTemp());
      const tools = { engine, effects, log: silentLog };
      const loading = createArtifactCache({ store }).stream?.(PATH, makeTemp(), (artifact) =>
        loadStreamedImage(tools, 'image', artifact, DECOMPRESS),
      );
      await expect(loading).rejects.toMatchObject({ code: 'CONTAINER_NO_SPACE' });
    },
    PATIENT_MS,
  );
});

describe('what is held back', () => {
  const pass = async (bytes: Buffer, isRight: Promise<unknown>, pieceBytes = 10_000) => {
    const watched = watchArchive();
    const got: Buffer[] = [];
    let hasGivenUp = false;
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        got.push(Buffer.from(chunk));
        done();
      },
    });
    const gate = holdBack(watched, isRight, async () => {
      hasGivenUp = true;
    });
    const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) =>
      bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes),
    );
    const error = await pipeline(Readable.from(pieces), watched.stream, gate, sink).catch((one: unknown) => one);
    return { error, got: Buffer.concat(got), hasGivenUp };
  };

  test('follows when all is right, whatever the pieces', async () => {
    for (const pieceBytes of [700, 512 * 7, 65_536, archive.length]) {
      const { error, got } = await pass(archive, Promise.resolve(), pieceBytes);
      expect(error).toBeUndefined();
      expect(got.equals(archive)).toBe(true);
    }
  });

  test('never follows when it is not, and the reader is told before', async () => {
    const { error, got, hasGivenUp } = await pass(archive, Promise.reject(new Error('wrong')));
    expect(error).toMatchObject({ message: 'wrong' });
    expect(hasGivenUp).toBe(true);
    expect(got.length).toBeLessThanOrEqual(indexStart);
    expect(got.includes('manifest.json')).toBe(false);
  });

  test('of what is no archive is its end, and it is refused', async () => {
    const { error, got } = await pass(randomBytes(300_000), Promise.resolve());
    expect(error).toBeInstanceOf(NotStreamableError);
    expect(got.length).toBe(300_000 - 64 * 1024);
  });

  test('of an archive whose index comes first would be all of it: refused', async () => {
    const bytes = Buffer.concat([
      tarEntry({ name: 'manifest.json', content: manifest }),
      tarEntry({ name: 'l/layer.tar', content: Buffer.alloc(20_000_000, 7) }),
      Buffer.alloc(1024),
    ]);
    const { error, got, hasGivenUp } = await pass(bytes, Promise.resolve(), 1_000_000);
    expect(error).toBeInstanceOf(NotStreamableError);
    expect([got.length, hasGivenUp]).toEqual([0, true]);
  });
});

test('saved files are digested while they are written', async () => {
  const folder = makeTemp();
  await mkdir(join(folder, 'work'));
  const { engine, effects } = scriptEngine('seq 1 900000', folder);
  const file = join(folder, 'work/image.tar.zst');
  const made = await saveImage({ engine, effects, log: silentLog }, 'image:1', file, ['zstd', '-q', '-c']);
  const bytes = await readFile(file);
  expect(made.sizeBytes).toBe((await stat(file)).size);
  for (const name of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
    expect(made.digests[name]).toBe(createHash(name).update(bytes).digest('hex'));
  }
  // And that is what is published, without a second look at the file; a file that grew since is looked at.
  const known = new Map([[file, { ...made, digests: { ...made.digests, sha512: 'b'.repeat(128) } }]]);
  const cache = createArtifactCache({ store });
  const [record] = await cache.publish({ folder: 'a', files: [file], known });
  expect(record).toMatchObject({ sha512: 'b'.repeat(128) });
  await writeFile(file, 'more', { flag: 'a' });
  const [again] = await cache.publish({ folder: 'b', files: [file], known });
  expect(again?.sha512).toBe(
    createHash('sha512')
      .update(await readFile(file))
      .digest('hex'),
  );
}, 60_000);
