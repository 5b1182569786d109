import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { findFormat, parseFormats } from '../../skiff/sdk_lib/vm-formats.ts';
import { nearestName } from '../../skiff/sdk_lib/vm-nearest.ts';
import { parseOptions } from '../../skiff/sdk_lib/vm-options.ts';

const vms = join(import.meta.dirname, '../../skiff/vms');
const row = { about: 'a cloud', writer: 'raw', ext: 'bin' };
const parse = (rows: Record<string, unknown>) => parseFormats({ formats: rows }, ['raw', 'ova']);

describe('the table of formats', () => {
  test('names only templates that are there, and each of those is used', async () => {
    const table = load(await readFile(join(vms, 'formats.yaml'), 'utf8'));
    const used = [...JSON.stringify(table).matchAll(/"template":"([^"]+)"/g)].map(([, name]) => name);
    expect(new Set(await readdir(join(vms, 'templates')))).toEqual(new Set(used));
  });

  test('a new vendor is one row', () => {
    const format = findFormat(parse({ newcloud: row }), 'newcloud');
    expect([format.image, format.compress, format.sizeMultipleMiB]).toEqual([
      'skiff_production_newcloud_image.bin',
      true,
      1,
    ]);
  });

  test.each<[string, unknown, RegExp]>([
    ['an unknown writer', { ...row, writer: 'rae' }, /newcloud: unknown writer "rae"; known: raw ova/],
    ['a misspelt key', { ...row, abuot: 'x' }, /newcloud: unknown key "abuot"; known: about/],
    ['a missing extension', { about: 'a cloud', writer: 'raw' }, /newcloud\.ext: expected a text, found undefined/],
    ['no row', 'raw', /newcloud: expected a table, found "raw"/],
    ['a companion from nowhere', { ...row, companions: [{ as: 'x.sh' }] }, /give either template or copy/],
  ])('%s is named', (_, bad, message) => {
    expect(() => parse({ newcloud: bad })).toThrow(message);
  });

  test('an unknown format is answered with the nearest and with all', () => {
    expect(() => findFormat(parse({ hetzner: row, azure: row }), 'hetzer')).toThrow(
      'unknown format "hetzer". Did you mean hetzner? Known formats: azure hetzner',
    );
  });
});

describe('options', () => {
  test('as the vms step gives them', () => {
    const options = parseOptions([
      '--format',
      'gce',
      '--board=amd64-usr',
      '--from',
      '/a',
      '--to',
      '/b',
      '--image_compression_formats=bz2,none,bz2',
      '--only_store_compressed',
    ]);
    expect(options).toEqual({
      help: false,
      format: 'gce',
      board: 'amd64-usr',
      from: '/a',
      to: '/b',
      compressions: ['bz2', 'none'],
      onlyStoreCompressed: true,
    });
  });

  test('results go beside the image unless --to says otherwise; an empty list means none', () => {
    const { to, compressions } = parseOptions(['--from=/a', '--image_compression_formats=']);
    expect([to, compressions]).toEqual(['/a', ['none']]);
  });
});

test('the nearest name is near', () => {
  expect(nearestName('openstak', ['openstack', 'oraclecloud'])).toBe('openstack');
  expect(nearestName('xyz', ['openstack', 'oraclecloud'])).toBeUndefined();
});
