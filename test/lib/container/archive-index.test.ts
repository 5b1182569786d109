import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { watchArchive } from '../../../lib/container/archive-index.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { noise, writeFileAt } from '../../helpers/temp-files.ts';

const makeFolder = useTempFolders();
const [CONFIG, MANIFEST] = ['c'.repeat(64), 'd'.repeat(64)];

const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

const manifest = (config: string): string => JSON.stringify([{ Config: config, RepoTags: ['sdk:1', 'r/sdk:1'] }]);

/** A tar with these files, in this order. */
const tarOf = (files: Readonly<Record<string, string | Buffer>>, ...options: readonly string[]): Buffer => {
  const folder = makeFolder();
  for (const [name, content] of Object.entries(files)) writeFileAt(join(folder, name), content);
  return execFileSync('tar', ['-c', ...options, '-C', folder, ...Object.keys(files)], { maxBuffer: 1e9 });
};

const watch = async (bytes: Buffer, chunkBytes: number) => {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_none, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
  const { stream, index } = watchArchive();
  const passed = await buffer(Readable.from(chunks).pipe(stream));
  expect(createHash('sha1').update(passed).digest('hex')).toBe(createHash('sha1').update(bytes).digest('hex'));
  const { ids, names } = index();
  return { ids: [...ids].sort(byCode), names: [...names].sort(byCode) };
};

test.each([1, 511, 512, 700, 100_000])(
  'an archive is passed on and its index read, in chunks of %d bytes',
  async (size) => {
    const layer = noise(size === 1 ? 1500 : 200_000);
    const old = tarOf({
      'layer/layer.tar': layer,
      [`${CONFIG}.json`]: '{}',
      'manifest.json': manifest(`${CONFIG}.json`),
    });
    await expect(watch(old, size)).resolves.toEqual({ ids: [CONFIG], names: ['r/sdk:1', 'sdk:1'] });
    const index = JSON.stringify({ schemaVersion: 2, manifests: [{ digest: `sha256:${MANIFEST}` }] });
    const oci = tarOf({ 'blobs/x': layer, 'index.json': index, 'manifest.json': manifest(`blobs/sha256/${CONFIG}`) });
    await expect(watch(oci, size)).resolves.toEqual({ ids: [CONFIG, MANIFEST], names: ['r/sdk:1', 'sdk:1'] });
  },
);

test.each(['--format=pax', '--format=gnu'])('long names and extended headers do not confuse it: %s', async (option) => {
  const long = `${'long/'.repeat(40)}layer.tar`;
  const tar = tarOf({ [long]: noise(3000), ünï: 'x', 'manifest.json': manifest(`${CONFIG}.json`) }, option);
  await expect(watch(tar, 1000)).resolves.toMatchObject({ ids: [CONFIG] });
});

test.each(['--format=pax', '--format=gnu'])('a file whose size needs more than the usual field: %s', async (option) => {
  // Too large to pass through in a test: cut down to header and what comes after.
  const folder = makeFolder();
  writeFileSync(join(folder, 'manifest.json'), manifest(`${CONFIG}.json`));
  execFileSync('truncate', ['-s', '9G', join(folder, 'layer.tar')]);
  const script = `tar -c ${option} -C '${folder}' layer.tar | head -c 4096`;
  const head = execFileSync('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const { stream, index } = watchArchive();
  stream.resume();
  stream.write(head);
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const dataAt = option === '--format=pax' ? 3 * 512 : 512;
  for (let left = 9 * 1024 ** 3 - (head.length - dataAt); left > 0; left -= zeros.length) {
    if (!stream.write(zeros.subarray(0, Math.min(left, zeros.length))))
      await new Promise((go) => stream.once('drain', go));
  }
  stream.end(tarOf({ 'manifest.json': manifest(`${CONFIG}.json`) }));
  await new Promise((done) => stream.once('finish', done));
  expect([...index().ids]).toEqual([CONFIG]);
});

test('what is no archive has an empty index', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('x'), noise(10_000), tarOf({ 'manifest.json': 'not json' })]) {
    await expect(watch(bytes, 777)).resolves.toEqual({ ids: [], names: [] });
  }
  await expect(watch(tarOf({ 'manifest.json': '{"Config":5}', 'index.json': '[]' }), 777)).resolves.toMatchObject({
    ids: [],
  });
});
