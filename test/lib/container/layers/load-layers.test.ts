import { hash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Engine } from '../../../../lib/container/index.ts';
import { type LayerToLoad, loadLayers } from '../../../../lib/container/layers/index.ts';
import { slipwayError } from '../../../../lib/errors/index.ts';
import { createLog } from '../../../../lib/log/index.ts';
import type { RunningCommand } from '../../../../lib/process/index.ts';
import { makeOwnName } from '../../../../lib/process/process-identity.ts';
import { configOf, tarEntry } from '../../../helpers/layer-tar.ts';
import { fakeEngine } from '../fake-engine.ts';

const MIB = 1024 * 1024;
/** An own name of a process of this machine that has ended: no process has this number. */
const DEAD_NAME = makeOwnName().replace(/-\d+-/, '-4194305-');
const LIVE_NAME = makeOwnName();

const layerOf = (bytes: Buffer): LayerToLoad => ({
  diffId: hash('sha256', bytes),
  sizeBytes: bytes.length,
  async *open() {
    for (let at = 0; at < bytes.length; at += MIB) yield bytes.subarray(at, at + MIB);
  },
});

const LARGE = tarEntry({ name: 'large', content: Buffer.alloc(33 * MIB, 'l') });
const SMALL = tarEntry({ name: 'small', content: 'small' });

/** Names of the files in a plain tar. */
const namesIn = (tar: Buffer): string[] => {
  const names: string[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    names.push(tar.toString('latin1', at, tar.indexOf(0, at)));
    at += 512 + Math.ceil(Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8) / 512) * 512;
  }
  return names;
};

/** docker in memory: what was imported and loaded, and the images that it has. */
const dockerWith = (more: Partial<Engine> = {}, tags: string[] = []) => {
  const { engine: base } = fakeEngine(new Map());
  const done: string[] = [];
  const names = new Map(tags.map((tag) => [`slipway-incoming:${tag}`, '']));
  const taking = (take: (bytes: Buffer) => void): RunningCommand => {
    const stdin = new PassThrough();
    const work = async () => {
      const pieces: Buffer[] = [];
      for await (const piece of stdin) pieces.push(piece as Buffer);
      take(Buffer.concat(pieces));
      return { exitCode: 0, stdout: '', stderr: '', durationMs: 1 };
    };
    return { stdin, stdout: Readable.from([]), pid: undefined, done: work(), stop: () => stdin.destroy() };
  };
  let loadedId = '';
  const engine: Engine = {
    ...base,
    inspectImage: async (name) => ({ imageId: loadedId, diffIds: [names.get(name) ?? ''] }),
    importTar: async (name) =>
      taking((bytes) => {
        names.set(name, hash('sha256', bytes));
        done.push(`import ${names.get(name)}`);
      }),
    load: async () =>
      taking((bytes) => {
        const files = namesIn(bytes);
        loadedId = files[1]?.replace('.json', '') ?? '';
        done.push(['load', ...files.slice(2).map((file) => file.replace('.tar', ''))].join(' '));
      }),
    tagsOf: async (repository) =>
      [...names.keys()].flatMap((name) =>
        name.startsWith(`${repository}:`) ? [name.slice(repository.length + 1)] : [],
      ),
    async removeImage(name) {
      names.delete(name);
    },
    ...more,
  };
  return { engine, done, names };
};

const load = async (engine: Engine, layers: readonly LayerToLoad[]) => {
  const warnings: string[] = [];
  const log = createLog((event) => {
    if (event.kind === 'warning') warnings.push(event.text);
  });
  const config = configOf([LARGE, SMALL]);
  return { ...(await loadLayers({ engine, log }, { config, names: ['sdk:1'], layers })), warnings };
};

const refusal = () =>
  slipwayError('COMMAND_FAILED', { command: ['docker'], cwd: '/', exitCode: 1, signal: undefined, lastOutput: 'no' });
const [large, small] = [layerOf(LARGE), layerOf(SMALL)];

describe('a large lowest layer', () => {
  test('is imported by itself, under a name that is gone afterwards, and is not in the archive', async () => {
    const { engine, done, names } = dockerWith();
    const { sentBytes, sentLayers, warnings } = await load(engine, [large, small]);
    expect(done).toEqual([`import ${large.diffId}`, `load ${small.diffId}`]);
    expect([...names.keys()]).toEqual([]);
    expect([sentBytes, sentLayers, warnings]).toEqual([LARGE.length + SMALL.length, 2, []]);
  });

  test('is in the archive with the others when the engine refuses it', async () => {
    const stdin = new PassThrough();
    stdin.resume();
    const refused = { stdin, stdout: Readable.from([]), pid: undefined, stop: () => stdin.destroy() };
    const { engine, done } = dockerWith({ importTar: async () => ({ ...refused, done: Promise.reject(refusal()) }) });
    const { warnings } = await load(engine, [large, small]);
    expect(done).toEqual([`load ${large.diffId} ${small.diffId}`]);
    expect(warnings).toEqual([expect.stringContaining('refused the lowest layer of sdk:1')]);
  });

  test('that is the only one is sent once', async () => {
    const { engine: base, done } = dockerWith();
    let isImported = false;
    const importTar = async (name: string): Promise<RunningCommand> => {
      const running = await base.importTar(name);
      const ended = running.done.then(async (result) => {
        await sleep(50);
        isImported = true;
        return result;
      });
      return { ...running, done: ended };
    };
    // As docker does, which looks for the layer when the archive has ended.
    const load1 = async (): Promise<RunningCommand> => {
      const running = await base.load();
      const ended = running.done.then((result) => (isImported ? result : Promise.reject(refusal())));
      ended.catch(() => {});
      return { ...running, done: ended };
    };
    const { warnings, sentLayers } = await load({ ...base, importTar, load: load1 }, [large]);
    expect(done).toEqual([`import ${large.diffId}`, 'load']);
    expect([sentLayers, warnings]).toEqual([1, []]);
  });

  test('is unpacked while the others are sent; their end comes when it is there, and not before', async () => {
    const { engine: base, done } = dockerWith();
    const seen: string[] = [];
    const watch = async (name: string, starting: Promise<RunningCommand>): Promise<RunningCommand> => {
      const { stdin, ...running } = await starting;
      const watched = new PassThrough();
      watched.on('data', () => seen.push(name)).pipe(stdin);
      return { ...running, stdin: watched };
    };
    const engine = {
      ...base,
      importTar: (name: string) => watch('import', base.importTar(name)),
      load: () => watch('load', base.load()),
    };
    // The layer below ends only when the archive has come as far as it can.
    const until = (isSo: () => boolean) => async () => {
      while (!isSo()) await sleep(5);
    };
    const slow: LayerToLoad = {
      ...large,
      async *open() {
        const pieces = [];
        for await (const piece of large.open()) pieces.push(piece);
        yield* pieces.slice(0, -1);
        await until(() => seen.includes('load'))();
        await sleep(50);
        yield* pieces.slice(-1);
      },
    };
    await load(engine, [slow, small]);
    expect(seen.indexOf('load')).toBeLessThan(seen.lastIndexOf('import'));
    expect(done).toEqual([`import ${large.diffId}`, `load ${small.diffId}`]);
  });

  test('is fetched before the others are opened', async () => {
    const { engine, done } = dockerWith();
    const { promise: fetched, resolve } = Promise.withResolvers<void>();
    const opened: string[] = [];
    const noting = (name: string, layer: LayerToLoad, before: () => Promise<void>): LayerToLoad => ({
      ...layer,
      async *open() {
        opened.push(name);
        yield* layer.open();
        await before();
      },
    });
    const lowest = noting('lowest', large, async () => {
      await sleep(50);
      opened.push('fetched');
      resolve();
    });
    await load(engine, [{ ...lowest, fetched }, noting('other', small, async () => {})]);
    expect(opened).toEqual(['lowest', 'fetched', 'other']);
    expect(done).toEqual([`import ${large.diffId}`, `load ${small.diffId}`]);
  });

  test('is sent again with the others when the engine refuses them without it', async () => {
    const { engine: base, done } = dockerWith();
    let loads = 0;
    const load1 = async (): Promise<RunningCommand> => {
      loads += 1;
      if (loads > 1) return base.load();
      const stdin = new PassThrough();
      stdin.resume();
      const ended = new Promise((resolve) => stdin.once('end', resolve));
      const failed = ended.then(() => Promise.reject(refusal()));
      failed.catch(() => {});
      return { stdin, stdout: Readable.from([]), pid: undefined, stop: () => stdin.destroy(), done: failed };
    };
    const { warnings, sentLayers } = await load({ ...base, load: load1 }, [large, small]);
    expect(done).toEqual([`import ${large.diffId}`, `load ${large.diffId} ${small.diffId}`]);
    expect(sentLayers).toBe(2);
    expect(warnings).toEqual([expect.stringContaining('sending all of them')]);
  });

  test('that comes with wrong bytes ends it all, and nothing is loaded', async () => {
    const wrong = Buffer.from(LARGE);
    wrong[20 * MIB] = 0;
    const { engine, done, names } = dockerWith();
    await expect(load(engine, [{ ...large, open: layerOf(wrong).open }, small])).rejects.toMatchObject({
      code: 'LAYER_DIGEST_MISMATCH',
    });
    expect(done.filter((line) => line.startsWith('load') || line.includes(large.diffId))).toEqual([]);
    expect([...names.keys()]).toEqual([]);
  });

  test('loses its name when the others cannot be loaded', async () => {
    const { engine, names } = dockerWith();
    const failing = { ...small, open: () => Readable.from([Buffer.from('other')]) };
    await expect(load(engine, [large, failing])).rejects.toMatchObject({ code: 'LAYER_SIZE_MISMATCH' });
    expect([...names.keys()]).toEqual([]);
  });

  test('that the engine has is not sent at all', async () => {
    const { engine, done } = dockerWith({ layersOfAllImages: async () => [[large.diffId]] });
    await load(engine, [large, small]);
    expect(done).toEqual([`load ${small.diffId}`]);
  });
});

test('a small lowest layer, and what stands on another one, is in the archive', async () => {
  const { engine, done } = dockerWith();
  await load(engine, [small, large]);
  expect(done).toEqual([`load ${small.diffId} ${large.diffId}`]);
});

test.each(['podman', 'containerd'] as const)('%s gets all layers in the archive', async (kind) => {
  const diffIds = [large.diffId, small.diffId];
  const imageId = hash('sha256', configOf([LARGE, SMALL]));
  const { engine, done } = dockerWith({
    storage: { kind },
    inspectImage: async () => ({ imageId, diffIds }),
  });
  await load(engine, [large, small]);
  expect(done).toEqual([`load ${large.diffId} ${small.diffId}`]);
});

test('what a killed process left is removed when an image has been loaded; what another one works with is not', async () => {
  const { engine, names } = dockerWith({}, [DEAD_NAME, LIVE_NAME]);
  await load(engine, [small]);
  expect([...names.keys()]).toEqual([`slipway-incoming:${LIVE_NAME}`]);
});
