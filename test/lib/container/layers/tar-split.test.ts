import { closeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { openInside } from '../../../../lib/container/layers/open-inside.mjs';
import { readTarSplit } from '../../../../lib/container/layers/tar-split.mjs';
import { createRunner } from '../../../../lib/process/index.ts';

const parse = async (text: string, pieceBytes = 7) => {
  const bytes = Buffer.from(text);
  const pieces = async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const parts = [];
  for await (const part of readTarSplit(pieces())) parts.push(part);
  return parts;
};

describe('the lines of tar-split', () => {
  test('bytes as they are, files with a content, names that are not UTF-8', async () => {
    const text = [
      { type: 2, payload: Buffer.from('header').toString('base64'), position: 0 },
      { type: 1, name: './größe', size: 12, payload: 'zsaASr+IIa8=', position: 1 },
      { type: 1, name: 'folder/', payload: null, position: 2 },
      { type: 1, name: 'empty', size: 0, position: 3 },
      { type: 1, name_raw: Buffer.from([0x61, 0xff]).toString('base64'), size: 3, position: 4 },
      { type: 2, payload: '', position: 5 },
    ].map((entry) => JSON.stringify(entry));
    const parts = [
      { segment: Buffer.from('header') },
      { name: './größe', sizeBytes: 12 },
      { name: Buffer.from([0x61, 0xff]), sizeBytes: 3 },
      { segment: Buffer.alloc(0) },
    ];
    expect(await parse(`${text.join('\n')}\n`)).toEqual(parts);
    expect(await parse(text.join('\n'), 1000)).toEqual(parts);
    expect(await parse('')).toEqual([]);
  });

  test.each([
    ['{"type":3}', 'tar-split entry of unknown type 3'],
    ['{"type":1,"name":"x","size":-1}', 'tar-split entry of size -1'],
    ['{"type":1,"name":"x","size":1.5}', 'tar-split entry of size 1.5'],
    ['{"type":1,"size":1}', 'tar-split entry without a name'],
    ['{"type"', 'JSON'],
  ])('%s is refused', async (line, message) => {
    await expect(parse(line)).rejects.toThrow(message);
  });
});

describe('files of a layer are opened inside of its folder', () => {
  let folder = '';
  let open: ReturnType<typeof openInside>;
  const opens = (name: string | Buffer, sizeBytes: number): void => closeSync(open(name, sizeBytes));

  test('as they are', async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-inside-'));
    const outside = join(folder, 'outside');
    await mkdir(join(folder, 'layer/a/b'), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await writeFile(join(folder, 'layer/a/b/file'), 'content');
    await writeFile(Buffer.concat([Buffer.from(join(folder, 'layer/a/')), Buffer.from([0xff])]), 'raw');
    await symlink(outside, join(folder, 'layer/link-to-folder'));
    await symlink(join(outside, 'secret'), join(folder, 'layer/link-to-file'));
    open = openInside(join(folder, 'layer'));
    opens('./a/b/file', 7);
    opens('/a//b/file', 7);
    opens(Buffer.from([0x61, 0x2f, 0xff]), 3);
  });

  test.each([
    ['a link', 'link-to-file', 6],
    ['a name behind a link', 'link-to-folder/secret', 6],
    ['a way out', 'a/../../outside/secret', 6],
    ['a longer file', 'a/b/file', 6],
    ['a shorter file', 'a/b/file', 8],
    ['a folder', 'a/b', 4096],
    ['nothing', 'a/c', 1],
    ['no name', './', 1],
  ])('but not %s', (_, name, sizeBytes) => {
    expect(() => opens(name, sizeBytes)).toThrow();
  });

  test('nor a pipe, which would never answer', async () => {
    await createRunner({ cwd: folder, env: process.env }).run(['mkfifo', join(folder, 'layer/pipe')]);
    expect(() => opens('pipe', 1)).toThrow('is not the file');
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));
});
