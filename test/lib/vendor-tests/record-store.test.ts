import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { appendRun, RECORD_FILE, readRecords, startRecord } from '../../../lib/vendor-tests/record-store.ts';

let folder: string;
const tested = { arch: 'amd64', version: '1.2.3' };
const at = (vendor: string): string => join(folder, vendor);
const run = (number: number, ...names: string[]) => ({
  run: number,
  results: names.map((name) => ({ name, ok: true, output: '' })),
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-records-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('keeps all vendors of one version in the order in which they were run first, also when one is started again', async () => {
  await startRecord(at('zvm'), 'zvm', tested, 1000);
  await startRecord(at('aws'), 'aws', tested, 2000);
  await appendRun(at('aws'), run(1, 'a'));
  await startRecord(at('zvm'), 'zvm', tested, 3000);
  await appendRun(at('zvm'), run(1, 'z'));
  expect(await readRecords(at('aws'), tested)).toEqual([
    { vendor: 'zvm', runs: [run(1, 'z')] },
    { vendor: 'aws', runs: [run(1, 'a')] },
  ]);
});

it('forgets what a vendor had when it is started again (defect 13)', async () => {
  await startRecord(at('qemu'), 'qemu', tested, 1);
  await appendRun(at('qemu'), run(1, 'old'));
  await startRecord(at('qemu'), 'qemu', tested, 2);
  expect(await readRecords(at('qemu'), tested)).toEqual([{ vendor: 'qemu', runs: [] }]);
});

it('leaves out vendors that were run for another version or architecture', async () => {
  await startRecord(at('old'), 'old', { ...tested, version: '1.2.2' }, 1);
  await startRecord(at('arm'), 'arm', { ...tested, arch: 'arm64' }, 1);
  await startRecord(at('qemu'), 'qemu', tested, 1);
  expect((await readRecords(at('qemu'), tested)).map(({ vendor }) => vendor)).toEqual(['qemu']);
});

it('passes over a line that was never finished, a file that is something else, and a copied folder', async () => {
  await startRecord(at('qemu'), 'qemu', tested, 1);
  await appendRun(at('qemu'), run(1, 'a'));
  appendFileSync(join(at('qemu'), RECORD_FILE), '{"run":2,"resul');
  await startRecord(at('copy'), 'qemu', tested, 1);
  await startRecord(at('other'), 'other', tested, 1);
  writeFileSync(join(at('other'), RECORD_FILE), 'no record\n');
  expect(await readRecords(at('qemu'), tested)).toEqual([{ vendor: 'qemu', runs: [run(1, 'a')] }]);
});
