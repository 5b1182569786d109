import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { COMPANION } from './e2e-cache.ts';

/**
 * Makes a folder with all images of a version, uncompressed, as the checks of vendor formats take them.
 *
 * @param source folder in the cache
 * @param target absolute; made
 */
export const unpackImages = async (source: string, target: string): Promise<void> => {
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source).filter((one) => !COMPANION.test(one))) {
    if (!name.endsWith('.zst')) symlinkSync(join(source, name), join(target, name));
    else await execa('zstd', ['-d', '-q', '-o', join(target, name.slice(0, -'.zst'.length)), join(source, name)]);
  }
};
