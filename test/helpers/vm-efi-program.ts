const sectionBytes = 512;
const headersBytes = 1024;

/**
 * The smallest file that tools take for a program of UEFI (PE32+, x86-64, one section); it is never run.
 * @param content becomes the section, padded to whole sectors
 */
export function buildEfiProgram(content: Buffer): Buffer {
  const size = Math.ceil(content.length / sectionBytes) * sectionBytes;
  const file = Buffer.alloc(headersBytes + size);
  file.write('MZ', 'latin1');
  file.writeUInt32LE(0x40, 0x3c);
  writeCoffHeader(file.subarray(0x40));
  writeOptionalHeader(file.subarray(0x58), size);
  writeSectionHeader(file.subarray(0x58 + 240), size);
  content.copy(file, headersBytes);
  return file;
}

function writeCoffHeader(header: Buffer): void {
  header.write('PE\0\0', 'latin1');
  header.writeUInt16LE(0x8664, 4);
  header.writeUInt16LE(1, 6);
  header.writeUInt16LE(240, 20);
  header.writeUInt16LE(0x22, 22);
}

function writeOptionalHeader(header: Buffer, size: number): void {
  header.writeUInt16LE(0x20b, 0);
  header.writeUInt32LE(size, 4);
  header.writeUInt32LE(0x1000, 16);
  header.writeUInt32LE(0x1000, 20);
  header.writeUInt32LE(0x1000, 32);
  header.writeUInt32LE(512, 36);
  header.writeUInt32LE(0x1000 + Math.ceil(size / 4096) * 4096, 56);
  header.writeUInt32LE(headersBytes, 60);
  header.writeUInt16LE(10, 68);
  header.writeUInt32LE(16, 108);
}

function writeSectionHeader(header: Buffer, size: number): void {
  header.write('.text', 'latin1');
  header.writeUInt32LE(size, 8);
  header.writeUInt32LE(0x1000, 12);
  header.writeUInt32LE(size, 16);
  header.writeUInt32LE(headersBytes, 20);
  header.writeUInt32LE(0x60000020, 36);
}
