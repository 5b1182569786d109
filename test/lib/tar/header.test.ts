import { expect, test } from '@jest/globals';
import { nameField, numberField, paddedBytes, sizeField, textField } from '../../../lib/tar/index.ts';
import { fc } from '../../helpers/fast-check.ts';

const fieldOf = (text: string): Buffer => Buffer.from(text.padEnd(12, '\0'), 'latin1');
const numberOf = (text: string): number => numberField(fieldOf(text), 0, 12);

test.each([
  ['00000000644\0', 0o644],
  ['   644 \0', 0o644],
  ['77777777777', 0o77777777777],
  ['777777777777', 0o777777777777],
  ['', 0],
  ['8', Number.NaN],
  ['-1', Number.NaN],
  ['0x1', Number.NaN],
])('the octal number %j is %d', (text, number) => {
  expect(numberOf(text)).toBe(number);
});

test('a number of base 256 is what was written, below zero, too', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (number) => {
      const field = Buffer.alloc(12, number < 0 ? 0xff : 0);
      field[0] = number < 0 ? 0xff : 0x80;
      field.writeBigInt64BE(BigInt(number), 4);
      expect(numberField(field, 0, 12)).toBe(number);
    }),
  );
  expect(numberField(Buffer.from([0x80, 0, 0, 0, 0, 0, 4, 210]), 0, 8)).toBe(1234);
  expect(Number.isSafeInteger(numberField(Buffer.alloc(12, 0x8f), 0, 12))).toBe(false);
});

test.each([
  ['00000001000\0', 512],
  ['nonsense', Number.NaN],
  [`\xff${'\xff'.repeat(10)}\xfe`, Number.NaN],
  [`\x80${'\x7f'.repeat(11)}`, Number.NaN],
])('the size field %j says %d', (text, size) => {
  const header = Buffer.alloc(512);
  header.write(text, 124, 'latin1');
  expect(sizeField(header)).toBe(size);
});

test('a text ends at its first zero byte, or fills its field', () => {
  const header = Buffer.from('ab\0cdefg', 'latin1');
  expect([textField(header, 0, 8), textField(header, 3, 5), textField(header, 2, 1)]).toEqual(['ab', 'cdefg', '']);
});

test('a name has its prefix before it in ustar, and nowhere else', () => {
  const headerOf = (magic: string): Buffer => {
    const header = Buffer.alloc(512);
    header.write('name', 0);
    header.write(magic, 257, 'latin1');
    header.write('folder', 345);
    return header;
  };
  expect(nameField(headerOf('ustar\x0000'))).toBe('folder/name');
  expect(nameField(headerOf('ustar  \0'))).toBe('name');
});

test.each([
  [0, 0],
  [1, 512],
  [512, 512],
  [513, 1024],
])('%d bytes take %d', (bytes, padded) => {
  expect(paddedBytes(bytes)).toBe(padded);
});
