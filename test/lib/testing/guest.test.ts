import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseAssignments, parseKernelArgument, parseVerityTable } from '../../../lib/testing/guest.ts';
import { readKernelBanner } from '../../../lib/testing/kernel-banner.ts';
import { parseUnits } from '../../../lib/testing/systemd.ts';

test('parseAssignments reads bare, single and double quoted values', () => {
  const text = `# comment\nID=skiff\nNAME="The \\"Skiff\\" \\$x"\nHOME_URL='https://example.org/a b'\nEMPTY=\nVERSION="1.2.3+nightly"\n`;
  expect(parseAssignments(text)).toEqual({
    ID: 'skiff',
    NAME: 'The "Skiff" $x',
    HOME_URL: 'https://example.org/a b',
    EMPTY: '',
    VERSION: '1.2.3+nightly',
  });
});

test('parseKernelArgument takes the last one, whole words only', () => {
  expect(parseKernelArgument('quiet usrhash=aa xusrhash=bb usrhash=cc=d\n', 'usrhash')).toBe('cc=d');
  expect(parseKernelArgument('usrhash2=x', 'usrhash')).toBeUndefined();
});

test('parseVerityTable takes the root hash of a verity target only', () => {
  const table = '0 139800 verity 1 254:2 254:2 4096 4096 17475 17476 sha256 abc123 00ff\n';
  expect(parseVerityTable(table)).toEqual({ dataDevice: '254:2', rootHash: 'abc123' });
  expect(parseVerityTable('0 8 linear 254:2 0')).toBeUndefined();
  expect(parseVerityTable('')).toBeUndefined();
});

test('parseUnits takes the first column', () => {
  expect(parseUnits('a.service loaded failed failed A\n\n b.mount  loaded failed failed B\n')).toEqual([
    'a.service',
    'b.mount',
  ]);
});

describe('readKernelBanner', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kernel-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const TEXT = '6.1.0-40-amd64 (debian@example) #1 SMP PREEMPT_DYNAMIC Debian 6.1.153-1 (2025-09-20)';
  const BANNER = { release: '6.1.0-40-amd64', build: '#1 SMP PREEMPT_DYNAMIC Debian 6.1.153-1 (2025-09-20)' };
  const read = async (bytes: Buffer) => {
    await writeFile(path.join(folder, 'kernel'), bytes);
    return readKernelBanner(path.join(folder, 'kernel'));
  };

  test('follows the version pointer of a bzImage', async () => {
    const bytes = Buffer.alloc(0x4000);
    bytes.write('HdrS', 0x202);
    bytes.writeUInt16LE(0x3000, 0x20e);
    bytes.write(`${TEXT}\0rest`, 0x3200);
    expect(await read(bytes)).toEqual(BANNER);
  });

  test('finds the first line of an uncompressed kernel', async () => {
    expect(await read(Buffer.from(`MZ....Linux version ${TEXT}\n\0more`))).toEqual(BANNER);
  });

  test('says nothing about other files', async () => {
    expect(await read(Buffer.from('x'))).toBeUndefined();
    expect(await read(Buffer.alloc(10_000))).toBeUndefined();
  });
});
