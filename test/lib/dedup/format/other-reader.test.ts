import { execFileSync } from 'node:child_process';
import { createCipheriv, hash } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  type BaseBlock,
  encodeBlock,
  encodeRecipe,
  PACK_MAGIC,
  packRecipe,
  type RecipeBlock,
} from '../../../../lib/dedup/format/index.ts';
import { anyTar, padded, takeApart, tarHeader } from '../../../helpers/dedup-layers.ts';
import { readLayerOtherwise } from '../../../helpers/dedup-other-reader.ts';
import { fc } from '../../../helpers/fast-check.ts';
import { useTempFolders } from '../../../helpers/temp.ts';

const makeFolder = useTempFolders();

const noise = (bytes: number, seed: string): Buffer =>
  createCipheriv('aes-128-ctr', hash('md5', seed, 'buffer'), Buffer.alloc(16)).update(Buffer.alloc(bytes));

const realTar = (args: readonly string[]): Buffer => {
  const folder = makeFolder('other-reader');
  mkdirSync(join(folder, 'd'.repeat(120)));
  writeFileSync(join(folder, 'd'.repeat(120), 'f'), 'deep');
  writeFileSync(join(folder, 'big'), noise(900_000, 'big'));
  writeFileSync(join(folder, 'sparse'), 'begin');
  truncateSync(join(folder, 'sparse'), 2_000_000);
  linkSync(join(folder, 'big'), join(folder, 'link'));
  symlinkSync('big', join(folder, 'symlink'));
  return execFileSync('tar', ['--sort=name', ...args, '-C', folder, '-cf', '-', '.'], { maxBuffer: 64 << 20 });
};

const oddTar = Buffer.concat([
  tarHeader({ type: 'x', size: 9 }),
  padded(Buffer.from('9 size=6\n')),
  tarHeader({ name: 'a', mtime: '' }),
  padded(Buffer.from('123456')),
  tarHeader({
    name: 'b',
    size: 5n,
    mtime: '14000000001\0',
    checksum: (sum) => `${sum.toString(8).padStart(7, '0')}\0`,
  }),
  padded(Buffer.from('12345')),
  tarHeader({ name: 'c', type: '2', size: 700 }),
  tarHeader({ name: 'd', size: 700, mtime: '13777777777\0' }),
  padded(noise(700, 'd')),
  Buffer.alloc(1024),
]);

const layers: readonly [string, Buffer][] = [
  ['GNU, sparse', realTar(['--format=gnu', '--sparse', '--owner=:4000000'])],
  ['pax', realTar(['--format=pax', '--sparse'])],
  ['odd', oddTar],
  ['cut off', oddTar.subarray(0, -1500)],
  ['garbage', Buffer.concat([oddTar, noise(90_000, 'garbage')])],
  ['no tar', noise(700_000, 'no tar')],
  ['nothing', Buffer.alloc(0)],
];

/** A store in memory, with a pack per block: a layer's content in blocks of up to five chunks, each second one as the difference to the one before. */
const publish = async (files: Map<string, Buffer>, layer: Buffer, base?: { id: string; raw: Buffer }) => {
  const { diffId, sizeBytes, shape, chunks } = takeApart(layer);
  const packs: string[] = [];
  const blocks: RecipeBlock[] = [];
  const runs: { block: number; first: number; count: number }[] = [];
  let bases: BaseBlock[] = [];
  for (let at = 0; at < chunks.length; at += 5) {
    const own = chunks.slice(at, at + 5);
    const raw = Buffer.concat(own);
    const { id, record } = await encodeBlock({ lengths: own.map(({ length }) => length), raw, bases }, 3);
    bases = bases.length === 0 ? [{ id, raw }] : [];
    const pack = Buffer.concat([PACK_MAGIC, record]);
    const packId = hash('sha256', pack, 'hex');
    files.set(`dedup/v1/packs/${packId}.pack`, pack);
    blocks.push({ id, pack: packs.push(packId) - 1, offset: 8, recordBytes: record.length, rawBytes: raw.length });
    // In two runs, where it can be.
    if (own.length > 1) runs.push({ block: blocks.length - 1, first: 0, count: 1 });
    const first = own.length > 1 ? 1 : 0;
    runs.push({ block: blocks.length - 1, first, count: own.length - first });
  }
  const raw = encodeRecipe({ diffId, sizeBytes, packs, blocks, runs, shape });
  const { id, stored } = await packRecipe(raw, base);
  files.set(`dedup/v1/recipes/${id}.recipe`, stored);
  return { id, raw };
};

const isReadOtherwise = async (layer: Buffer): Promise<boolean> => {
  const files = new Map<string, Buffer>();
  const first = await publish(files, oddTar);
  const second = await publish(files, layer, first);
  const readFile = (path: string): Buffer => files.get(path) as Buffer;
  return readLayerOtherwise(readFile, [second.id, first.id]).equals(layer);
};

test.each(layers)(
  'a reader that was written from docs/cache-format.md alone rebuilds a layer (%s)',
  async (_, layer) => {
    expect(await isReadOtherwise(layer)).toBe(true);
  },
);

test('it also rebuilds entries as no program writes them', async () => {
  await fc.assert(
    fc.asyncProperty(anyTar, async (layer) => {
      expect(await isReadOtherwise(layer)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
