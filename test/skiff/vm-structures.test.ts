/** Byte layouts of the vms writers that can be told without a tool; what tools make of them is in test/integration. */
import { describe, expect, test } from '@jest/globals';
import { liveOptions, parseBootEntry } from '../../skiff/sdk_lib/vm-boot-entry.ts';
import { buildCpioHeader, buildCpioPadding } from '../../skiff/sdk_lib/vm-cpio.ts';
import { crc32c } from '../../skiff/sdk_lib/vm-crc32c.ts';
import { pinFooter } from '../../skiff/sdk_lib/vm-vhd-pin.ts';
import { buildGrain, buildHeader, buildMarker, buildTable } from '../../skiff/sdk_lib/vm-vmdk-layout.ts';

test('CRC-32C: the check value of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
});

describe('boot entry', () => {
  const entry =
    '# slot A\ntitle Skiff\nlinux /skiff/vmlinuz-a\ninitrd  /skiff/initrd-a\noptions quiet skiff.slot=a\noptions usrhash=ab\n';

  test('options of several lines belong together', () => {
    expect(parseBootEntry(entry)).toEqual({
      linux: '/skiff/vmlinuz-a',
      initrd: '/skiff/initrd-a',
      options: 'quiet skiff.slot=a usrhash=ab',
    });
  });

  test('a live system keeps the root hash and has no slot', () => {
    expect(liveOptions('quiet skiff.slot=a usrhash=ab', 'initrd')).toBe('quiet usrhash=ab skiff.live=initrd');
  });

  test.each([0, 2])('%i initrd lines are refused', (count) => {
    expect(() => parseBootEntry(`linux /x\n${'initrd /y\n'.repeat(count)}`)).toThrow(
      `${count} initrd lines, expected one`,
    );
  });
});

describe('cpio', () => {
  test('a header has its numbers in hexadecimal and ends on 4 bytes', () => {
    const header = buildCpioHeader({ name: 'skiff/usr.img', mode: 0o100444, sizeBytes: 4096 }, 2, 0x6a000000);
    expect(header.toString('latin1', 0, 62)).toBe('07070100000002000081240000000000000000000000016a00000000001000');
    expect(header.length % 4).toBe(0);
    expect(header.toString('latin1', 110, 124)).toBe('skiff/usr.img\0');
  });

  test('a folder has two links; data is padded to 4 bytes', () => {
    const header = buildCpioHeader({ name: 'skiff', mode: 0o040755, sizeBytes: 0 }, 1, 0);
    expect(header.toString('latin1', 38, 46)).toBe('00000002');
    expect([0, 1, 3, 4].map((size) => buildCpioPadding(size).length)).toEqual([0, 3, 1, 0]);
  });
});

describe('VHD footer', () => {
  const footer = (): Buffer => {
    const block = Buffer.alloc(512, 7);
    block.write('conectix', 'latin1');
    block.writeBigUInt64BE(1n << 30n, 48);
    block.writeUInt32BE(2, 60);
    return block;
  };

  test('time counts from 2000, the checksum leaves itself out', () => {
    const block = footer();
    expect(pinFooter(block, Date.UTC(2000, 0, 2) / 1000, Buffer.alloc(16, 9))).toEqual({
      currentSize: 1n << 30n,
      diskType: 'fixed',
    });
    expect(block.readUInt32BE(24)).toBe(86_400);
    const sum = block.reduce((total, byte, index) => (index >= 64 && index < 68 ? total : total + byte), 0);
    expect(block.readUInt32BE(64)).toBe(~sum >>> 0);
  });

  test('something else is refused', () => {
    expect(() => pinFooter(Buffer.alloc(512), 0, Buffer.alloc(16))).toThrow(/not a VHD footer/);
  });
});

describe('stream-optimised VMDK', () => {
  test('the header leaves the place of the grain directory to the footer', () => {
    const header = buildHeader(1 << 20);
    expect(header.toString('latin1', 0, 4)).toBe('KDMV');
    expect([header.readBigUInt64LE(12), header.readBigUInt64LE(56)]).toEqual([2048n, 0xffffffffffffffffn]);
    expect(buildHeader(1 << 20, 77n).readBigUInt64LE(56)).toBe(77n);
  });

  test('everything is whole sectors', () => {
    const grain = buildGrain(65536, Buffer.alloc(501, 1));
    expect([grain.length, grain.readBigUInt64LE(0), grain.readUInt32LE(8)]).toEqual([1024, 128n, 501]);
    expect(buildTable([1, 2]).length).toBe(512);
    expect(buildMarker(3, 1).readUInt32LE(12)).toBe(3);
  });
});
