import type { IncomingMessage } from 'node:http';
import { slipwayError } from '../../errors/index.ts';
import { problemOf, TransientError } from '../failures.ts';

/** Length that the response announces, or undefined. */
export const lengthOf = (response: IncomingMessage): number | undefined => {
  const length = response.headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
};

/**
 * Reads a body to its announced end, chunk by chunk.
 *
 * Throws `TransientError` when it ends early or the connection breaks.
 */
export const readBody = async (
  response: IncomingMessage,
  take: (chunk: Buffer) => Promise<void> | void,
): Promise<void> => {
  const expected = lengthOf(response);
  let received = 0;
  let isTakersFault = false;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      received += chunk.length;
      // What the taker throws (a full disk) is not the network's fault.
      isTakersFault = true;
      await take(chunk);
      isTakersFault = false;
    }
  } catch (error) {
    if (isTakersFault || error instanceof TransientError) throw error;
    throw new TransientError(`${problemOf(error)} after ${received} bytes`, { cause: error });
  }
  if (expected !== undefined && received !== expected) {
    throw new TransientError(`the body ended after ${received} of ${expected} bytes`);
  }
};

/** Small files are digests, signatures and ids; a server that sends more for one is not what we think. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * Reads a whole body that is to be small.
 *
 * @param tooLong makes the error that is thrown when it is longer than `maxBytes`
 */
export const readSmall = async (response: IncomingMessage, maxBytes: number, tooLong: () => Error): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const refuse = (): never => {
    response.on('error', () => {});
    response.destroy();
    throw tooLong();
  };
  if ((lengthOf(response) ?? 0) > maxBytes) refuse();
  await readBody(response, (chunk) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) refuse();
    chunks.push(chunk);
  });
  return Buffer.concat(chunks);
};

/** Reads a small text. Throws `CACHE_BAD_RESPONSE` when it is not small. */
export const readText = async (response: IncomingMessage, url: string): Promise<string> => {
  const problem = `it is longer than ${MAX_TEXT_BYTES} bytes`;
  const tooLong = (): Error => slipwayError('CACHE_BAD_RESPONSE', { url, problem });
  return (await readSmall(response, MAX_TEXT_BYTES, tooLong)).toString('utf8');
};
