import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createStore } from '../../../lib/cache/index.ts';
import type { DedupParts } from '../../../lib/dedup/index.ts';
import { createRunner } from '../../../lib/process/index.ts';
import { fastNoise, layerOf, makeTar, type TestImage } from '../../helpers/dedup-images.ts';
import { collectWarnings, fetchImage, publishImage } from '../../helpers/dedup-world.ts';
import { useTempFolders } from '../../helpers/temp.ts';
import { listTree } from '../../helpers/temp-files.ts';

/** Blocks that are differences to others: what is wrong with either of the two is noticed. */

const PATIENT_MS = 60_000;
const MIB = 1024 * 1024;
const makeFolder = useTempFolders();
const runner = createRunner({ cwd: '/', env: {} });
const spool = makeFolder('spool');
const pristine = makeFolder('pristine');

const open = (dir: string): DedupParts => ({
  store: createStore({ user: '', pathPrefix: '/', dir }, { runner }),
  log: collectWarnings().log,
});

const CONTENT = fastNoise(3 * MIB, 'rebuilt');

/** The same program, built anew: no chunk of it is as it was. */
const night = (version: string, seed: number): TestImage => {
  const rebuilt = Buffer.from(CONTENT);
  for (let at = seed; at < rebuilt.length; at += 4096) rebuilt[at] = (rebuilt[at] ?? 0) ^ seed;
  return { name: 'sdk', version, layers: [layerOf(makeTar([{ name: 'usr/bin/rebuilt', content: rebuilt }]))] };
};
const FIRST = night('1', 0);
const NEXT = night('2', 7);

let difference = '';
let base = '';

const packsIn = (dir: string): string[] =>
  listTree(join(dir, 'dedup/v1/packs'))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join('dedup/v1/packs', name));

beforeAll(async () => {
  const parts = open(pristine);
  await publishImage(parts, FIRST, spool);
  [base = ''] = packsIn(pristine);
  const { newBytes, packBytes } = await publishImage(parts, NEXT, spool);
  // Otherwise there is nothing here that the tests are about.
  expect(packBytes).toBeLessThan(newBytes / 50);
  difference = packsIn(pristine).find((pack) => pack !== base) ?? '';
  expect(difference).not.toBe('');
}, PATIENT_MS);

const copy = (): string => {
  const dir = join(makeFolder('cache'), 'cache');
  cpSync(pristine, dir, { recursive: true });
  return dir;
};

/** Changes one bit. */
const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 8;
  writeFileSync(file, bytes);
};

describe('one bit', () => {
  test(
    'anywhere in the pack of a difference is noticed, named, and no fault of the image that it is a difference to',
    async () => {
      const size = readFileSync(join(pristine, difference)).length;
      // From the first record's mark to the last byte.
      const places = Array.from({ length: 12 }, (_, at) => 8 + Math.floor((at * (size - 9)) / 11));
      for (const at of places) {
        const dir = copy();
        flip(join(dir, difference), at);
        await fetchImage(open(dir), FIRST, spool);
        await expect(fetchImage(open(dir), NEXT, spool)).rejects.toMatchObject({
          kind: 'unverified',
          message: expect.stringContaining(difference.split('/').at(-1) ?? ''),
        });
      }
    },
    PATIENT_MS,
  );

  test(
    'in the pack of a base is noticed by both images that need it',
    async () => {
      const size = readFileSync(join(pristine, base)).length;
      for (const at of [8, 40, 60, Math.floor(size / 2), size - 1]) {
        const dir = copy();
        flip(join(dir, base), at);
        for (const image of [FIRST, NEXT]) {
          await expect(fetchImage(open(dir), image, spool)).rejects.toMatchObject({
            kind: 'unverified',
            message: expect.stringContaining(base.split('/').at(-1) ?? ''),
          });
        }
      }
    },
    PATIENT_MS,
  );
});

test(
  'a damaged base is no base for the next night: what is published on top of it can be read all the same, or is not published',
  async () => {
    const dir = copy();
    flip(join(dir, base), Math.floor(readFileSync(join(dir, base)).length / 2));
    const third = night('3', 11);
    const outcome = await publishImage(open(dir), third, spool).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome === undefined) await fetchImage(open(dir), third, spool);
    else expect(outcome).toMatchObject({ kind: 'unverified' });
  },
  PATIENT_MS,
);
