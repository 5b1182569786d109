import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseDiffIds } from '../../../../lib/container/engine-answers.ts';
import { chainIdsOf } from '../../../../lib/container/layers/chain-id.ts';
import { checkedLayer, composeArchive, tarHeader } from '../../../../lib/container/layers/compose-archive.ts';
import { missingLayers } from '../../../../lib/container/layers/index.ts';
import { findV1Layer } from '../../../../lib/container/layers/v1-layer-id.ts';
import type { EngineStorage } from '../../../../lib/container/types.ts';
import { fakeEngine } from '../fake-engine.ts';

/** Of an image of docker 20.10: three layers, and what `docker save` wrote of the first two. */
const real = {
  diffIds: [
    '3613622959b5d1a5a317b047d2214e1015b182a5931dfcc4b4d0a680d625c9aa',
    'b616aadc68900a3e89b6e590d78e57dfbdce50b1ba8cc27f87d38f5172e702ec',
    'ef2ff4d85c0d2a5583a49962eb891c5b13361970fe4c13b27ff290e5638c99f3',
  ],
  ids: [
    'a9a1f5c18070e4c47f2abffee262149eb959bef24deca3e5cbd0cf0a55571d3e',
    '893016c99d35e3411563eff6b6566af54b75c11b02fc31a2487ce3b6e2165477',
  ],
};
const v1Json = (at: number): string => {
  const parent = at === 0 ? '' : `,"parent":"${real.ids[at - 1]}"`;
  return `{"id":"${real.ids[at]}"${parent},"created":"1970-01-01T00:00:00Z","container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}`;
};

describe("docker's old folder names", () => {
  test.each([0, 1])('layer %d is found by the digest that its folder is named by', (at) => {
    expect(findV1Layer(real.ids[at] ?? '', v1Json(at), real.diffIds)).toBe(real.diffIds[at]);
  });

  test('what fits none is none', () => {
    expect(findV1Layer(real.ids[0] ?? '', v1Json(1), real.diffIds)).toBeUndefined();
    expect(findV1Layer(real.ids[0] ?? '', '{"id"', real.diffIds)).toBeUndefined();
    expect(findV1Layer(real.ids[0] ?? '', v1Json(0), [])).toBeUndefined();
  });
});

test('chain IDs are those that docker names its folders by', () => {
  expect(chainIdsOf(real.diffIds)[0]).toBe(real.diffIds[0]);
  expect(chainIdsOf(real.diffIds)[1]).toBe(hash('sha256', `sha256:${real.diffIds[0]} sha256:${real.diffIds[1]}`));
  expect(chainIdsOf([])).toEqual([]);
});

test("the engine's answers", () => {
  expect(parseDiffIds('["sha256:aa","sha256:bb"]\nnull\n[]\nError: no such image\n')).toEqual([['aa', 'bb'], [], []]);
});

describe('which layers an engine lacks', () => {
  const missing = async (kind: EngineStorage['kind'], images: string[][], diffIds: string[]) => {
    const engine = {
      ...fakeEngine(new Map()).engine,
      storage: { kind },
      layersOfAllImages: async () => images,
    };
    return [...(await missingLayers({ engine }, diffIds))];
  };
  test.each([
    ['docker knows a layer with all that is below it', 'graph', [['a', 'b']], ['a', 'b', 'c'], ['c']],
    ['docker does not know it above something else', 'graph', [['a', 'b']], ['x', 'b'], ['x', 'b']],
    ['podman knows it wherever it is', 'podman', [['a', 'b']], ['x', 'b'], ['x']],
    ['a layer that is known at one of its two places is sent', 'graph', [['a']], ['a', 'a'], ['a']],
    ['containerd gets all of them', 'containerd', [['a', 'b']], ['a', 'b'], ['a', 'b']],
  ] as const)('%s', async (_, kind, images, diffIds, expected) => {
    expect(
      await missing(
        kind,
        images.map((image) => [...image]),
        [...diffIds],
      ),
    ).toEqual(expected);
  });
});

describe('an archive to be loaded', () => {
  const bytes = Buffer.from('layer '.repeat(100));
  const layer = (open: () => AsyncIterable<Buffer>) => ({
    diffId: hash('sha256', bytes),
    sizeBytes: bytes.length,
    open,
  });
  const compose = async (open: () => AsyncIterable<Buffer>): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    const parts = composeArchive({
      config: Buffer.from('{}'),
      configDigest: 'cc',
      names: ['image:1'],
      diffIds: ['ee', hash('sha256', bytes)],
      layers: [layer(open)],
      emptyFiles: ['ee'],
    });
    for await (const piece of parts) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const some = async function* (...pieces: Buffer[]) {
    yield* pieces;
  };

  test('is a tar of the list, the configuration and the layers', async () => {
    const archive = await compose(() => some(bytes.subarray(0, 10), bytes.subarray(10)));
    const tar = (...args: string[]) => execFileSync('tar', args, { input: archive, encoding: 'utf8' });
    const file = `${hash('sha256', bytes)}.tar`;
    expect(tar('--list').trim().split('\n')).toEqual(['manifest.json', 'cc.json', 'ee.tar', file]);
    expect(tar('--extract', '--to-stdout', file)).toBe(bytes.toString());
    expect(JSON.parse(tar('--extract', '--to-stdout', 'manifest.json'))).toEqual([
      { Config: 'cc.json', RepoTags: ['image:1'], Layers: ['ee.tar', file] },
    ]);
  });

  test('asks for a piece when the one before has been read: a layer may use its memory again', async () => {
    const again = async function* () {
      const memory = Buffer.alloc(64);
      for (let at = 0; at < bytes.length; at += 64) {
        const length = bytes.copy(memory, 0, at, at + 64);
        yield memory.subarray(0, length);
        memory.fill(0);
      }
    };
    const pieces: Buffer[] = [];
    for await (const piece of checkedLayer(layer(again), 'a test')) pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  test('a header takes sizes beyond 8 GiB', () => {
    const header = tarHeader('large', 9 * 2 ** 30);
    const list = execFileSync('tar', ['--list', '--verbose'], {
      input: Buffer.concat([tarHeader('small', 0), Buffer.alloc(1024)]),
      encoding: 'utf8',
    });
    expect(list).toContain('small');
    expect([header[124], header.readBigUInt64BE(128)]).toEqual([0x80, BigInt(9 * 2 ** 30)]);
  });

  test('ends before a layer that is wrong is complete', async () => {
    const wrong = Buffer.from(bytes);
    wrong[0] = 0;
    await expect(compose(() => some(wrong))).rejects.toMatchObject({ code: 'LAYER_DIGEST_MISMATCH' });
    await expect(compose(() => some(bytes, bytes))).rejects.toMatchObject({ code: 'LAYER_SIZE_MISMATCH' });
    await expect(compose(() => some())).rejects.toMatchObject({ code: 'LAYER_SIZE_MISMATCH' });
  });
});
