import { type Blob, firstDifference, READ_BYTES, readBytes } from './blob.ts';
import { compareJson } from './json.ts';
import type { Difference } from './types.ts';
import type { Workshop } from './workshop.ts';

/** What is said of two contents that differ and have nothing inside. */
export type Leaf = Pick<Difference, 'note' | 'excerpt'> & { readonly kind: 'text' | 'json' | 'bytes' };

const LINE_BYTES = 16;
/** Lines of bytes on either side. */
const HEX_LINES = 4;

const asciiOf = (bytes: Buffer): string => bytes.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');

const hexLines = (sign: string, bytes: Buffer, from: number): string[] =>
  Array.from({ length: Math.ceil(bytes.length / LINE_BYTES) }, (_, index) => {
    const line = bytes.subarray(index * LINE_BYTES, (index + 1) * LINE_BYTES);
    const offset = (from + index * LINE_BYTES).toString(16).padStart(8, '0');
    const hex = (line.toString('hex').match(/../g) ?? []).join(' ').padEnd(LINE_BYTES * 3 - 1);
    return `${sign}${offset}  ${hex}  |${asciiOf(line)}|`;
  });

/** How many bytes differ, in how many runs, as far as the shorter one goes. */
const countDiffering = async (a: Blob, b: Blob, from: number, signal?: AbortSignal) => {
  const length = Math.min(a.sizeBytes, b.sizeBytes);
  let [bytes, runs, last] = [0, 0, -2];
  for (let at = from; at < length; at += READ_BYTES) {
    signal?.throwIfAborted();
    const size = Math.min(READ_BYTES, length - at);
    const [left, right] = [await readBytes(a, at, size), await readBytes(b, at, size)];
    if (left.equals(right)) continue;
    for (let index = 0; index < size; index += 1) {
      if (left[index] === right[index]) continue;
      bytes += 1;
      if (at + index !== last + 1) runs += 1;
      last = at + index;
    }
  }
  return { bytes, runs };
};

/** Where two contents differ, in bytes. */
export const compareBytes = async (a: Blob, b: Blob, signal?: AbortSignal): Promise<Leaf> => {
  const at = await firstDifference(a, b, signal);
  if (at === undefined) {
    const by = Math.abs(a.sizeBytes - b.sizeBytes);
    return { kind: 'bytes', note: `the same up to byte ${Math.min(a.sizeBytes, b.sizeBytes)}, then ${by} bytes more` };
  }
  const start = at - (at % LINE_BYTES);
  const [left, right] = [
    await readBytes(a, start, HEX_LINES * LINE_BYTES),
    await readBytes(b, start, HEX_LINES * LINE_BYTES),
  ];
  const { bytes, runs } = await countDiffering(a, b, at, signal);
  const places = a.sizeBytes === b.sizeBytes ? `; ${bytes} bytes differ, in ${runs} places` : '';
  return {
    kind: 'bytes',
    note: `the first difference is at byte ${at}${places}`,
    excerpt: [...hexLines('-', left, start), ...hexLines('+', right, start)],
  };
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text that a short content is; undefined when it is none. */
const textOf = async (blob: Blob, mostBytes: number): Promise<string | undefined> => {
  if (blob.sizeBytes > mostBytes) return undefined;
  const bytes = await readBytes(blob, 0, blob.sizeBytes);
  if (bytes.includes(0)) return undefined;
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

const cut = (lines: readonly string[], most: number): string[] =>
  lines.length <= most ? [...lines] : [...lines.slice(0, most), `... ${lines.length - most} more lines`];

const parseJson = (text: string): { readonly value: unknown } | undefined => {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const unifiedDiff = async (a: Blob, b: Blob, shop: Workshop): Promise<string[]> => {
  const [before, after] = [await shop.newFile('before'), await shop.newFile('after')];
  await shop.copy(a, before);
  await shop.copy(b, after);
  const { stdout } = await shop.runner.run(['diff', '--text', '-U', '1', before, after], {
    stdout: 'capture',
    okExitCodes: [0, 1],
    timeoutMs: shop.limits.toolMs,
  });
  // Without the names of temporary files.
  return stdout.split('\n').slice(2);
};

/** Texts line by line, JSON key by key, anything else byte by byte. */
export const compareContents = async (a: Blob, b: Blob, shop: Workshop): Promise<Leaf> => {
  const { textBytes, excerptLines } = shop.limits;
  const [before, after] = [await textOf(a, textBytes), await textOf(b, textBytes)];
  if (before === undefined || after === undefined) return compareBytes(a, b, shop.signal);
  const [left, right] = [parseJson(before), parseJson(after)];
  if (left && right) {
    const lines = compareJson(left.value, right.value);
    if (lines.length === 0) return { kind: 'json', note: 'the same values, written differently' };
    return { kind: 'json', excerpt: cut(lines, excerptLines) };
  }
  return { kind: 'text', excerpt: cut(await unifiedDiff(a, b, shop), excerptLines) };
};
