import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Writes a file and the folders above it; returns its path. */
export const writeFileAt = (file: string, content: string | Buffer): string => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
};

/** Bytes that do not compress and are the same for the same seed. */
export const noise = (sizeBytes: number, seed = 'seed'): Buffer => {
  const blocks: Buffer[] = [];
  let block = Buffer.from(seed);
  for (let size = 0; size < sizeBytes; size += block.length) {
    block = createHash('sha512').update(block).digest();
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, sizeBytes);
};

/** What is directly in a folder; nothing when it is not there. */
export const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** All files below a folder, hidden ones too, relative and sorted. */
export const listTree = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

/** Digest of a file, hex. */
export const digestOf = (file: string, algorithm = 'sha256'): string =>
  createHash(algorithm).update(readFileSync(file)).digest('hex');

/** Names that break careless quoting. */
export const ODD_NAMES = [
  'with space',
  "it's",
  'say "hi"',
  '$HOME `id` $(id)',
  '-leading-dash',
  'back\\slash',
  'semi;colon&amp',
  'star*?[x]',
  'plus+nightly-20260821',
  'percent%2Fname',
  'hash#question',
  'ünïcode-日本',
  'colon:name',
  '~tilde',
];
