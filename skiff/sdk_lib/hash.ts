import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** @returns sha256 of a text, 64 hex */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** @returns sha256 of a file's content, 64 hex */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
