/**
 * image_to_vm.sh on this machine, on a small disk: each vendor format opened by tools that are not ours. That the real image
 * boots in these formats is what vm-formats-boot.test.ts is for.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { checkFormat, formatChecks } from '../helpers/vm-checks.ts';
import { convert } from '../helpers/vm-convert.ts';
import { makeTestDisk, type TestDisk } from '../helpers/vm-test-disk.ts';

let folder: string;
let source: TestDisk;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-vm-formats-'));
  source = await makeTestDisk(join(folder, 'from'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('every row of the table has a check here, and the other way round', async () => {
  const table = load(await readFile(join(import.meta.dirname, '../../skiff/vms/formats.yaml'), 'utf8')) as {
    formats: Record<string, unknown>;
  };
  expect(new Set(Object.keys(formatChecks))).toEqual(new Set(Object.keys(table.formats)));
});

describe.each(Object.keys(formatChecks))('format %s', (format) => {
  test('is what its vendor expects', async () => {
    const to = join(folder, format);
    await convert(source.folder, to, format);
    const kernel = join(source.folder, 'skiff_production_image.vmlinuz');
    await checkFormat(format, to, { disk: source.disk, kernel, scratch: join(folder, 'scratch') });
    await rm(to, { recursive: true });
  }, 60_000);
});
