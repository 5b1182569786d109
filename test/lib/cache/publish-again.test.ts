import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CacheStore, createArtifactCache, createStore, type PublishRequest } from '../../../lib/cache/index.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { digestOf, listTree, noise, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const FOLDER = 'images/amd64/1.2.3';

const setUp = () => {
  const dir = join(makeFolder('cache'), 'cache');
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  const store = createStore({ user: '', pathPrefix: '/', dir }, { runner });
  const cache = createArtifactCache({ store, log, secondTryMs: 10 });
  /** Writes files of those names with those texts into a new folder, and gives their paths. */
  const write = (files: Readonly<Record<string, string | Buffer>>): string[] => {
    const folder = makeFolder('work');
    return Object.entries(files).map(([name, text]) => writeFileAt(join(folder, name), text));
  };
  const publish = (files: Readonly<Record<string, string | Buffer>>, more: Partial<PublishRequest> = {}) =>
    cache.publish({ folder: FOLDER, files: write(files), ...more });
  const texts = (kind: 'info' | 'warning') => events.flatMap((event) => (event.kind === kind ? [event.text] : []));
  return {
    dir,
    store,
    cache,
    write,
    publish,
    at: (name: string) => join(dir, FOLDER, name),
    text: (name: string) => readFileSync(join(dir, FOLDER, name), 'utf8'),
    warnings: () => texts('warning'),
    hits: () => events.flatMap((event) => (event.kind === 'cache-hit' ? [event.reason] : [])),
    staging: () => (existsSync(join(dir, '.staging')) ? listTree(join(dir, '.staging')) : []),
  };
};

const sha512 = (text: string): string => digestOf(writeFileAt(join(makeFolder(), 'x'), text), 'sha512');

/** A store that does something when a set is about to be sent, once. */
const disturbed = (store: CacheStore, disturb: () => Promise<unknown>): CacheStore => {
  let isDone = false;
  return {
    ...store,
    async publish(uploads, options) {
      if (!isDone) await disturb();
      isDone = true;
      await store.publish(uploads, options);
    },
  };
};

describe('publishing a version again', () => {
  test('another content is refused with both digests, and nothing is changed', async () => {
    const { dir, publish, text, staging } = setUp();
    await publish({ a: 'one', b: 'the same' });
    const before = listTree(dir);
    const refused = publish({ a: 'two', b: 'the same', c: 'more' });
    await expect(refused).rejects.toMatchObject({
      code: 'CACHE_VERSION_DIFFERS',
      kind: 'failure',
      data: {
        location: dir,
        folder: FOLDER,
        files: [{ path: `${FOLDER}/a`, published: sha512('one'), ours: sha512('two') }],
      },
      message: expect.stringMatching(new RegExp(`${sha512('one')}[^]*${sha512('two')}`)),
      hint: expect.stringContaining('raise the build id'),
    });
    expect(text('a')).toBe('one');
    expect(listTree(dir)).toEqual(before);
    expect(staging()).toEqual([]);
  });

  test('the same content joins: nothing is sent, and the records are those of the first time', async () => {
    const { publish, at, warnings } = setUp();
    const first = await publish({ a: 'one', 'a.id': 'id' }, { last: ['a.id'] });
    const before = statSync(at('a'), { bigint: true }).ino;
    await expect(publish({ a: 'one', 'a.id': 'id' }, { last: ['a.id'] })).resolves.toEqual(first);
    expect(statSync(at('a'), { bigint: true }).ino).toBe(before);
    expect(warnings()).toEqual([]);
  });

  test('a later step adds files to the folder', async () => {
    const { publish, text } = setUp();
    await publish({ image: 'generic' });
    await publish({ image: 'generic', vmdk: 'converted' });
    await publish({ qcow2: 'converted, too' });
    expect([text('image'), text('vmdk'), text('qcow2')]).toEqual(['generic', 'converted', 'converted, too']);
  });

  test('many that differ: five are named, and how many more', async () => {
    const { publish } = setUp();
    const set = (text: string) => Object.fromEntries('abcdefg'.split('').map((name) => [name, text]));
    await publish(set('one'));
    const error = (await publish(set('two')).catch((one: unknown) => one)) as Error;
    expect(error.message).toContain('7 files differ');
    expect(error.message).toContain('and 2 more');
    expect(error.message.match(/published:/g)).toHaveLength(5);
  });

  test('files without digests cannot be told from others and are replaced', async () => {
    const { publish, text } = setUp();
    await publish({ Packages: 'one' }, { digests: false });
    await publish({ Packages: 'two' }, { digests: false });
    expect(text('Packages')).toBe('two');
  });
});

describe('a publication that was not finished', () => {
  test('without its last file: replaced with a warning', async () => {
    const { publish, at, text, warnings } = setUp();
    const last = { last: ['a.id'] };
    await publish({ a: 'one', 'a.id': 'id 1' }, last);
    rmSync(at('a.id'));
    await publish({ a: 'two', 'a.id': 'id 2' }, last);
    expect([text('a'), text('a.id')]).toEqual(['two', 'id 2']);
    expect(warnings()).toContainEqual(expect.stringContaining('its publication was not finished'));
    await expect(publish({ a: 'one', 'a.id': 'id 1' }, last)).rejects.toMatchObject({ code: 'CACHE_VERSION_DIFFERS' });
  });

  test('where no last file is named: an artifact without digests tells', async () => {
    const { publish, at, text } = setUp();
    await publish({ a: 'one', b: 'one' });
    // The digests appear after all artifacts, in order.
    rmSync(at('b.DIGESTS'));
    await publish({ a: 'two', b: 'two' });
    expect([text('a'), text('b')]).toEqual(['two', 'two']);
  });

  test('killed while it is replaced, it is still one that was not finished', async () => {
    const { dir, store, publish, at, cache, write, text } = setUp();
    await publish({ a: 'one', b: 'one' });
    rmSync(at('a.DIGESTS'));
    const controller = new AbortController();
    const reason = new Error('killed');
    const dying = createStore({ user: '', pathPrefix: '/', dir }, { runner, signal: controller.signal });
    const killed: CacheStore = {
      ...dying,
      publish: (uploads, options) =>
        dying.publish(uploads, {
          ...options,
          async beforePlacing(there) {
            const answer = (await options?.beforePlacing?.(there)) ?? true;
            controller.abort(reason);
            return answer;
          },
        }),
    };
    const files = write({ a: 'two', b: 'two' });
    await expect(createArtifactCache({ store: killed }).publish({ folder: FOLDER, files })).rejects.toBe(reason);
    // No digests are left beside bytes that they are not for, whatever was renamed.
    expect(existsSync(at('b.DIGESTS'))).toBe(false);
    await createArtifactCache({ store }).publish({ folder: FOLDER, files: write({ a: 'three', b: 'three' }) });
    expect([text('a'), text('b')]).toEqual(['three', 'three']);
    await expect(cache.fetch(`${FOLDER}/b`, makeFolder('to'))).resolves.toMatchObject({ sizeBytes: 5 });
  });
});

describe('a file that says what the set is', () => {
  const rules = { last: ['a.id'], sameBy: 'a.id' };

  test('joins a set whose archive was compressed differently; no record claims the bytes of ours', async () => {
    const { publish, text, hits } = setUp();
    await publish({ 'a.zst': 'compressed', 'a.id': 'id' }, rules);
    const records = await publish({ 'a.zst': 'compressed otherwise', 'a.id': 'id' }, rules);
    expect(text('a.zst')).toBe('compressed');
    expect(records.map(({ path }) => path)).toEqual([`${FOLDER}/a.id`]);
    expect(hits()).toContainEqual(expect.stringContaining('already, the same'));
  });

  test('another id is another content', async () => {
    const { publish } = setUp();
    await publish({ 'a.zst': 'compressed', 'a.id': 'id' }, rules);
    const error = await publish({ 'a.zst': 'other', 'a.id': 'id 2' }, rules).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'CACHE_VERSION_DIFFERS' });
  });

  test('a set of the same id that lost a file is mended as a whole', async () => {
    const { publish, at, text } = setUp();
    await publish({ 'a.zst': 'compressed', 'a.json': 'list', 'a.id': 'id' }, rules);
    rmSync(at('a.zst'));
    await publish({ 'a.zst': 'anew', 'a.json': 'list of anew', 'a.id': 'id' }, rules);
    expect([text('a.zst'), text('a.json'), text('a.id')]).toEqual(['anew', 'list of anew', 'id']);
  });
});

describe('two publishers of one version', () => {
  test('who comes second with another content is refused although nothing was there when it began', async () => {
    const { store, publish, write, text, staging } = setUp();
    const slow = createArtifactCache({ store: disturbed(store, () => publish({ a: 'first', b: 'first' })) });
    const files = write({ a: 'second', b: 'second' });
    await expect(slow.publish({ folder: FOLDER, files })).rejects.toMatchObject({
      code: 'CACHE_VERSION_DIFFERS',
      data: { files: [{ path: `${FOLDER}/a` }, { path: `${FOLDER}/b` }] },
    });
    expect([text('a'), text('b')]).toEqual(['first', 'first']);
    expect(staging()).toEqual([]);
  });

  test('who comes second with the same id joins although nothing was there when it began', async () => {
    const { store, publish, write, text, staging } = setUp();
    const rules = { last: ['a.id'], sameBy: 'a.id' };
    const slow = createArtifactCache({
      store: disturbed(store, () => publish({ 'a.zst': 'first', 'a.id': 'id' }, rules)),
    });
    const files = write({ 'a.zst': 'second', 'a.id': 'id' });
    await expect(slow.publish({ folder: FOLDER, files, ...rules })).resolves.toHaveLength(1);
    expect(text('a.zst')).toBe('first');
    expect(staging()).toEqual([]);
  });

  test('at once, 10 rounds: one wins whole, the other is refused', async () => {
    const { dir, write, cache } = setUp();
    let refusals = 0;
    for (let round = 0; round < 10; round += 1) {
      const folder = `rounds/${round}`;
      const publishers = ['x', 'y'].map((who) => {
        const store = createStore({ user: '', pathPrefix: '/', dir }, { runner });
        const files = write({ a: `${who} ${round}`, b: noise(20_000, `${who}${round}`), 'a.id': who });
        return createArtifactCache({ store }).publish({ folder, files, ...(round % 2 ? { last: ['a.id'] } : {}) });
      });
      const results = await Promise.allSettled(publishers);
      const lost = results.filter((one) => one.status === 'rejected');
      expect(lost).toHaveLength(1);
      expect(lost[0]?.reason).toMatchObject({ code: 'CACHE_VERSION_DIFFERS' });
      refusals += lost.length;
      const winner = readFileSync(join(dir, folder, 'a.id'), 'utf8');
      expect(readFileSync(join(dir, folder, 'a'), 'utf8')).toBe(`${winner} ${round}`);
      const to = makeFolder('to');
      for (const name of ['a', 'b', 'a.id']) await cache.fetch(`${folder}/${name}`, to);
      expect(readFileSync(join(to, 'b')).equals(noise(20_000, `${winner}${round}`))).toBe(true);
    }
    expect(refusals).toBe(10);
    expect(listTree(join(dir, '.staging'))).toEqual([]);
  }, 60_000);

  test('at once with the same content, 10 rounds: both are fine', async () => {
    const { dir, write, cache } = setUp();
    for (let round = 0; round < 10; round += 1) {
      const folder = `rounds/${round}`;
      const publishers = ['x', 'y'].map(() => {
        const store = createStore({ user: '', pathPrefix: '/', dir }, { runner });
        const files = write({ a: `${round}`, 'a.id': 'id' });
        return createArtifactCache({ store }).publish({ folder, files, last: ['a.id'] });
      });
      await Promise.all(publishers);
      await cache.fetch(`${folder}/a`, makeFolder('to'));
    }
  }, 60_000);
});

test('what is damaged by its size is sent again, not refused', async () => {
  const { publish, at, text } = setUp();
  await publish({ a: 'whole' });
  writeFileSync(at('a'), 'who');
  await publish({ a: 'whole' });
  expect(text('a')).toBe('whole');
});
