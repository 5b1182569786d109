import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type CacheStore, createStore } from '../../lib/cache/index.ts';
import { SlipwayError } from '../../lib/errors/index.ts';
import { createRunner } from '../../lib/process/index.ts';
import { fc } from '../helpers/fast-check.ts';
import { startSshd, type TestSshd } from '../helpers/sshd.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { listTree, writeFileAt } from '../helpers/temp-files.ts';

jest.setTimeout(120_000);

const makeFolder = useTempFolders();
const SECRET = 'outside of the prefix';
/** A file beside the cache's folder; longer than any name that an attack makes up, so that it is never inside. */
const BESIDE = 'beside-the-prefix';

/** Names that have led out of some program's folder at some time, and harmless ones. */
const hostileName = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '...',
    '~',
    '~root',
    '-rf',
    '.staging',
    'secret',
    'sibling',
    'prefix',
    'prefix-2',
    '*',
  ),
  fc.constantFrom(
    '..\\',
    '\\..',
    '%2e%2e',
    '..%2f',
    '\u2025',
    '．．',
    '..\0',
    '..\n',
    ' ..',
    '.. ',
    '$(id)',
    '`id`',
    'a',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
/** A version or an artifact's name as a stranger would choose it; with `/`, as nobody should. */
const hostile = fc.array(hostileName, { minLength: 1, maxLength: 6 }).map((names) => names.join('/'));
const path = fc.oneof(
  hostile,
  fc.tuple(hostile, hostile).map(([version, name]) => `images/amd64/${version}/${name}`),
  fc.tuple(hostile, hostile).map(([version, name]) => `containers/${version}/${name}-${version}.tar.zst`),
);

/** The cache's folder, with something beside it, above it and with a name that begins like its own. */
const makeWorld = () => {
  const world = makeFolder('world');
  const prefix = join(world, 'above', 'prefix');
  for (const file of ['secret', 'above/secret', 'above/sibling/secret', 'above/prefix-2/secret', `above/${BESIDE}`])
    writeFileAt(join(world, file), SECRET);
  mkdirSync(prefix, { recursive: true });
  const outside = (): string[] => listTree(world).filter((file) => !file.startsWith('above/prefix/'));
  const before = outside();
  const check = (): void => {
    expect(outside()).toEqual(before);
    for (const file of before) expect(readFileSync(join(world, file), 'utf8')).toBe(SECRET);
  };
  return { prefix, check };
};

/** What a store does; its refusals are fine, and nothing but refusals. */
const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SlipwayError) return undefined;
    throw error;
  }
};

const attack = async (store: CacheStore, target: string, withPublish: boolean): Promise<void> => {
  const file = writeFileAt(join(makeFolder('file'), 'f'), 'from the attacker');
  const to = join(makeFolder('to'), 'f');
  if (withPublish) await attempt(() => store.publish([{ file, path: target }]));
  for (const path of [target, `${target}/secret`, `${target}/../secret`]) {
    expect(await attempt(() => store.readText(path))).not.toBe(SECRET);
    expect((await attempt(() => store.list(path))) ?? []).not.toContain(BESIDE);
    await attempt(() => store.download(path, to));
    expect(existsSync(to) ? readFileSync(to, 'utf8') : '').not.toBe(SECRET);
    await attempt(() => store.remove(path));
  }
};

const runner = createRunner({ cwd: '/', env: { PATH: process.env.PATH } });

describe('no version and no name leads out of the cache', () => {
  test('in a folder', async () => {
    const { prefix, check } = makeWorld();
    const store = createStore({ dir: prefix, server: '', user: '', pathPrefix: '' }, { runner });
    await fc.assert(
      fc.asyncProperty(path, async (target) => {
        await attack(store, target, true);
        check();
      }),
      { numRuns: 150 },
    );
  });

  describe('on a server whose account may do everything', () => {
    let sshd: TestSshd;

    beforeAll(async () => {
      sshd = await startSshd({ folder: makeFolder('sshd') });
    }, 30_000);

    afterAll(() => sshd.stop());

    const open = (prefix: string): CacheStore => {
      const { user, port: sshPort, clientKey: sshKey, knownHosts } = sshd;
      const settings = { server: '127.0.0.1', user, pathPrefix: prefix, sshPort, sshKey, knownHosts, dir: '' };
      // Nothing answers there: names are changed and listed by SFTP, files are sent by rsync.
      const patience = { tries: 1, firstDelayMs: 1, idleMs: 10_000 };
      return createStore(
        { ...settings, url: 'http://127.0.0.1:1' },
        { runner, patience, tempFolder: makeFolder('temp') },
      );
    };

    test('by SFTP', async () => {
      const { prefix, check } = makeWorld();
      const store = open(prefix);
      await fc.assert(
        fc.asyncProperty(path, async (target) => {
          await attack(store, target, false);
          check();
        }),
        { numRuns: 100 },
      );
      await store.close();
    });

    test('by rsync and SFTP together', async () => {
      const { prefix, check } = makeWorld();
      const store = open(prefix);
      await fc.assert(
        fc.asyncProperty(path, async (target) => {
          await attack(store, target, true);
          check();
        }),
        { numRuns: 12 },
      );
      await store.close();
    });
  });
});
