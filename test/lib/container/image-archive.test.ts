import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadImage, saveImage } from '../../../lib/container/image-archive.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { scriptEngine } from './script-engine.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-archive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An engine whose program is a shell script: `save` and `load` do what the test says. */
const make = (script: string) => {
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  const { engine, effects } = scriptEngine(script, folder);
  const progress = () => events.findLast((event) => event.kind === 'progress');
  return { tools: { engine, effects, log }, progress };
};

const file = (): string => join(folder, 'image.tar.gz');
const GZIP = ['gzip', '-c'] as const;
const GUNZIP = ['gzip', '-d', '-c'] as const;

describe('saving', () => {
  test('writes a compressed file over a leftover, and counts the bytes of the image', async () => {
    await writeFile(file(), 'leftover of a killed run, longer than the archive'.repeat(1000));
    const { tools, progress } = make('head -c 3000000 /dev/zero');
    await saveImage(tools, 'sdk:1', file(), GZIP);
    expect((await stat(file())).size).toBeLessThan(10_000);
    expect((await stat(file())).mode & 0o777).toBe(0o644);
    expect(progress()).toMatchObject({ label: 'save sdk:1', doneBytes: 3_000_000, finished: true });
  });

  test('fails when the engine fails in the middle, although the compression ended well; no file is left', async () => {
    const { tools } = make('head -c 100000 /dev/zero; echo "unexpected EOF" >&2; exit 1');
    await expect(saveImage(tools, 'sdk:1', file(), GZIP)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      hint: expect.stringContaining('unexpected EOF'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('blames the compression when that is what failed, and does not wait for the engine', async () => {
    const { tools } = make('while :; do head -c 100000 /dev/zero || exit 1; done');
    const broken = ['sh', '-c', 'head -c 1000 >/dev/null; echo "zstd: broken" >&2; exit 7'] as const;
    await expect(saveImage(tools, 'sdk:1', file(), broken)).rejects.toMatchObject({
      data: { exitCode: 7, lastOutput: 'zstd: broken' },
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('does not take what a compression had enough of for an image', async () => {
    const { tools } = make('head -c 3000000 /dev/zero');
    await expect(saveImage(tools, 'sdk:1', file(), ['head', '-c', '1000'])).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  test('says so when the disk is full', async () => {
    const { tools } = make('echo image');
    await symlink('/dev/full', file());
    await expect(saveImage(tools, 'sdk:1', file(), ['cat'])).rejects.toMatchObject({
      code: 'CONTAINER_NO_SPACE',
      message: expect.stringContaining(`saving sdk:1 to ${file()}`),
    });
  });
});

describe('loading', () => {
  test('gives the engine what was saved, and counts the bytes of the file', async () => {
    const saving = make('seq 1 100000');
    await saveImage(saving.tools, 'sdk:1', file(), GZIP);
    const loading = make(`cat > ${join(folder, 'loaded')}; echo "Loaded image: sdk:1"`);
    await loadImage(loading.tools, file(), GUNZIP);
    expect((await readFile(join(folder, 'loaded'), 'utf8')).split('\n')).toHaveLength(100_001);
    const sizeBytes = (await stat(file())).size;
    expect(loading.progress()).toMatchObject({ doneBytes: sizeBytes, totalBytes: sizeBytes, finished: true });
  });

  test('lets the engine stop reading where the archive ends for it, whatever padding follows', async () => {
    await writeFile(file(), gzipSync(Buffer.alloc(3_000_000)));
    await expect(loadImage(make('head -c 1000 >/dev/null').tools, file(), GUNZIP)).resolves.toBeDefined();
    const { tools } = make('head -c 1000 >/dev/null; echo "unexpected EOF" >&2; exit 1');
    await expect(loadImage(tools, file(), GUNZIP)).rejects.toMatchObject({
      data: { exitCode: 1, lastOutput: 'unexpected EOF' },
    });
  });

  test('says so when the engine has no room', async () => {
    const saving = make('head -c 3000000 /dev/urandom');
    await saveImage(saving.tools, 'sdk:1', file(), GZIP);
    const { tools } = make('echo "write /layer.tar: no space left on device" >&2; exit 1');
    await expect(loadImage(tools, file(), GUNZIP)).rejects.toMatchObject({ code: 'CONTAINER_NO_SPACE' });
  });

  test('blames the decompression for a file that is no archive, although the engine complains too', async () => {
    await writeFile(file(), 'x'.repeat(3_000_000));
    const { tools } = make('cat >/dev/null; echo "unexpected EOF" >&2; exit 1');
    await expect(loadImage(tools, file(), GUNZIP)).rejects.toMatchObject({
      hint: expect.stringContaining('not in gzip format'),
    });
  });

  test('fails for a file that is cut off', async () => {
    const saving = make('head -c 3000000 /dev/urandom');
    await saveImage(saving.tools, 'sdk:1', file(), GZIP);
    await writeFile(file(), (await readFile(file())).subarray(0, 1_000_000));
    const { tools } = make('cat >/dev/null');
    await expect(loadImage(tools, file(), GUNZIP)).rejects.toMatchObject({
      hint: expect.stringContaining('unexpected end of file'),
    });
  });
});
