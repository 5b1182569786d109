import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { type ExportFormat, exportImage } from '../../../lib/cache-tools/index.ts';
import { openImageFile } from '../../../lib/container/index.ts';
import { openLocalWorld } from '../../helpers/cache-tools-world.ts';
import { fastNoise, halfNoise } from '../../helpers/dedup-images.ts';
import { makeLayer, publishSynthetic } from '../../helpers/synthetic-image.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

/** Large enough for several rounds of every buffer and thread on the way. */
const LARGE = makeLayer({ a: fastNoise(24_000_000, 'large') });
const LAYERS = [LARGE, makeLayer({ b: fastNoise(3_000, 'small') }), LARGE];

test('a large image with a layer that comes twice is exported whole', async () => {
  const { store, tools } = openLocalWorld(makeFolder());
  const image = { name: 'sdk', version: '1.0.0-a' };
  await publishSynthetic(store, join(tools.temp, 'p'), { ...image, layers: LAYERS });
  const own = makeFolder();
  const exportTo = (name: string, format: ExportFormat) =>
    exportImage(tools, { ...image, format, target: join(own, name), dryRun: false, verifier: undefined });
  for (const [name, format] of [
    ['a.tar.zst', 'tar.zst'],
    ['a.tar', 'oci'],
    ['a', 'oci'],
  ] as const) {
    await exportTo(name, format);
    const source = await openImageFile(join(own, name));
    expect(source.diffIds).toEqual(LAYERS.map((layer) => hash('sha256', layer)));
    expect(source.names.map((one) => one.split('/').at(-1))).toEqual(['sdk:1.0.0-a']);
    await source.streamLayers(new Set(source.diffIds), async (diffId, bytes) => {
      const pieces: Buffer[] = [];
      for await (const piece of bytes) pieces.push(piece);
      expect(hash('sha256', Buffer.concat(pieces))).toBe(diffId);
    });
  }
  execFileSync('zstd', ['--test', '--quiet', join(own, 'a.tar.zst')]);
  expect(readdirSync(own).sort()).toEqual(['a', 'a.tar', 'a.tar.zst']);
}, 30_000);

test('each chunk for casync says how long its content is, and the index leads to all of the archive', async () => {
  const { store, tools } = openLocalWorld(makeFolder());
  const image = { name: 'sdk', version: '1.0.0-a' };
  const layers = [makeLayer({ a: halfNoise(2_000_000, 'chunks') })];
  await publishSynthetic(store, join(tools.temp, 'p'), { ...image, layers });
  const target = join(makeFolder(), 'chunks');
  await exportImage(tools, { ...image, format: 'casync', target, dryRun: false, verifier: undefined });
  const index = readFileSync(join(target, 'sdk-1.0.0-a.caibx'));
  const chunks: Buffer[] = [];
  for (let at = 64; at < index.length - 40; at += 40) {
    const id = index.toString('hex', at + 8, at + 40);
    const stored = readFileSync(join(target, 'default.castr', id.slice(0, 4), `${id}.cacnk`));
    // The top bits of a zstd frame's descriptor: a size follows. casync refuses some frames without.
    expect((stored[4] as number) & 0b1110_0000).not.toBe(0);
    const chunk = zstdDecompressSync(stored);
    expect(hash('sha512-256', chunk)).toBe(id);
    chunks.push(chunk);
    expect(Number(index.readBigUInt64LE(at))).toBe(chunks.reduce((sum, { length }) => sum + length, 0));
  }
  const file = join(makeFolder(), 'image.tar');
  writeFileSync(file, Buffer.concat(chunks));
  expect(await openImageFile(file)).toMatchObject({
    names: ['sdk:1.0.0-a'],
    diffIds: [hash('sha256', layers[0] ?? '')],
  });
});
