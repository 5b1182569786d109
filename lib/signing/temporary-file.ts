import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

/** A new name beside a file, for writing it and renaming; the prefix tells the cache that it is no artifact. */
export const temporaryBeside = (file: string): string =>
  join(dirname(file), `.slipway-${process.pid}-${randomBytes(6).toString('hex')}.new`);
