import { open } from 'node:fs/promises';

/** What a kernel says about itself: `uname -r` and `uname -v`. */
export interface KernelBanner {
  readonly release: string;
  readonly build: string;
}

/** Header fields of an x86 kernel (bzImage), from the boot protocol of Linux. */
const MAGIC_AT = 0x202;
const VERSION_POINTER_AT = 0x20e;
const SETUP_START = 0x200;
const SEARCHED_BYTES = 64 * 1024 * 1024;

const zeroTerminated = (bytes: Buffer, at: number): string => {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 ? at + 256 : Math.min(end, at + 256));
};

const findText = (bytes: Buffer): string | undefined => {
  if (bytes.length > VERSION_POINTER_AT + 2 && bytes.toString('latin1', MAGIC_AT, MAGIC_AT + 4) === 'HdrS') {
    return zeroTerminated(bytes, SETUP_START + bytes.readUInt16LE(VERSION_POINTER_AT));
  }
  // An uncompressed kernel, as on arm64, carries the line that it prints first.
  const at = bytes.indexOf('Linux version ');
  return at < 0 ? undefined : zeroTerminated(bytes, at + 'Linux version '.length);
};

/**
 * Takes release and build apart.
 *
 * @example parseKernelBanner('6.1.0-40-amd64 (me@host) #1 SMP Debian 6.1.153-1') // { release: '6.1.0-40-amd64', build: '#1 SMP …' }
 */
export const parseKernelBanner = (text: string): KernelBanner | undefined => {
  const match = /^(\S+) .*?(#\d+ [^\n]*)/.exec(text);
  return match?.[1] && match[2] ? { release: match[1], build: match[2].trim() } : undefined;
};

/**
 * Reads the version of a kernel file.
 *
 * @param file absolute path of a bzImage or of an uncompressed kernel
 * @returns undefined when the file does not show it (compressed as a whole)
 */
export const readKernelBanner = async (file: string): Promise<KernelBanner | undefined> => {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, SEARCHED_BYTES));
    await handle.read(bytes, 0, bytes.length, 0);
    const text = findText(bytes);
    return text === undefined ? undefined : parseKernelBanner(text);
  } finally {
    await handle.close();
  }
};
