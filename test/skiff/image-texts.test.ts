import 'zx/globals';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { formatPartitionTable } from '../../skiff/sdk_lib/image-disk.ts';
import { formatCommandLine } from '../../skiff/sdk_lib/image-esp.ts';
import { readLayout } from '../../skiff/sdk_lib/image-layout.ts';
import { toSpdxExpression } from '../../skiff/sdk_lib/image-licences.ts';
import { resolveModules } from '../../skiff/sdk_lib/image-modules.ts';
import { formatOsRelease } from '../../skiff/sdk_lib/image-release.ts';

const image = path.join(import.meta.dirname, '../../skiff/image');

describe('layout of the disk', () => {
  test('whole MiB, partitions in a row, both slots of one size, ROOT last', async () => {
    const { diskMiB, partitions } = await readLayout(path.join(image, 'layout.yaml'));
    expect(diskMiB).toBe(1024);
    expect(partitions.map(({ label }) => label)).toEqual(['EFI-SYSTEM', 'USR-A', 'USR-B', 'OEM', 'ROOT']);
    partitions.reduce((end, { startMiB, sizeMiB }) => {
      expect(startMiB).toBe(end);
      return end + sizeMiB;
    }, 1);
    expect(partitions[1]?.sizeMiB).toBe(partitions[2]?.sizeMiB);
  });

  test('the partition table leaves nothing to sfdisk', async () => {
    const table = formatPartitionTable(await readLayout(path.join(image, 'layout.yaml')));
    expect(table).toMatch(/^label-id: 3b0e5c1a-/m);
    expect(table).toMatch(/^start=2048, size=258048, type=c12a7328-.*, uuid=.*, name="EFI-SYSTEM"$/m);
  });

  test('everything wrong is said at once', async () => {
    const text = await readFile(path.join(image, 'layout.yaml'), 'utf8');
    const file = path.join(await fs.mkdtemp(path.join(os.tmpdir(), 'layout-')), 'layout.yaml');
    await fs.writeFile(file, text.replace('label: OEM', 'label: USR-B').replace('kind: vfat, size', 'kind: fat, size'));
    await expect(readLayout(file)).rejects.toThrow(/kind is one of[\s\S]*label USR-B is there twice/);
    await fs.remove(path.dirname(file));
  });
});

describe('texts in the image', () => {
  test('kernel command line carries what opens /usr', async () => {
    const layout = await readLayout(path.join(image, 'layout.yaml'));
    const line = formatCommandLine(layout, { rootHash: 'ab', dataBlocks: 7, salt: 'cd' });
    expect(line).toMatch(/^skiff\.slot=a usrhash=ab usrverity=7:cd /);
    expect(line).toMatch(/console=ttyS0/);
  });

  test('os-release', () => {
    const version = { version: '1.2.3+nightly-1', versionId: '1.2.3', buildId: 'nightly-1', sdkVersion: '1.2.0' };
    const text = formatOsRelease({ board: 'amd64-usr', group: 'developer', version });
    expect(text).toMatch(/^ID=skiff$/m);
    expect(text).toMatch(/^VERSION="1\.2\.3\+nightly-1"$/m);
    expect(text).toMatch(/^VERSION_ID="1\.2\.3"$/m);
    expect(text).toMatch(/^BUILD_ID="nightly-1"$/m);
  });
});

describe('licences', () => {
  const names = { 'gpl-2+': 'GPL-2.0-or-later', expat: 'MIT', 'gpl-2 with x exception': 'GPL-2.0-only WITH X' };
  test.each([
    ['Expat', 'MIT'],
    ['GPL-2+ or Expat', '(GPL-2.0-or-later OR MIT)'],
    ['GPL-2 with X exception', 'GPL-2.0-only WITH X'],
    ['odd / name_1', 'LicenseRef-odd-name-1'],
    ['GPL-2+, and odd', '(GPL-2.0-or-later AND LicenseRef-odd)'],
  ])('%s -> %s', (line, expected) => {
    expect(toSpdxExpression(line, names)).toBe(expected);
  });
});

describe('kernel modules', () => {
  const dep = 'kernel/fs/ext4.ko: kernel/lib/crc16.ko kernel/fs/jbd2.ko\nkernel/drivers/xen-blkfront.ko:\n';
  test('come with what they depend on; - and _ are the same', () => {
    expect(resolveModules(['xen_blkfront', 'ext4'], dep)).toEqual([
      'kernel/drivers/xen-blkfront.ko',
      'kernel/fs/ext4.ko',
      'kernel/fs/jbd2.ko',
      'kernel/lib/crc16.ko',
    ]);
  });

  test('unknown ones are all named', () => {
    expect(() => resolveModules(['ext4', 'nope', 'neither'], dep)).toThrow(/nope, neither/);
  });
});
