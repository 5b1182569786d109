import type { IncomingMessage } from 'node:http';
import { slipwayError } from '../../errors/index.ts';
import { TransientError } from '../failures.ts';
import { type TryOptions, tryAgain } from '../try-again.ts';
import { lengthOf, readBody } from './body.ts';
import type { HttpClient } from './client.ts';
import { stateOf } from './partial-file.ts';

/** One range of one file. */
export interface RangeRequest {
  readonly url: string;
  readonly offset: number;
  /** At least one byte. */
  readonly length: number;
  /** For messages. */
  readonly path: string;
  readonly location: string;
}

/** So much in one try shows that the line works. */
const PROGRESS_BYTES = 64 * 1024;

/** What has come so far, over all tries. */
interface Arrival {
  readonly bytes: Buffer;
  filled: number;
  /** Of the file's state that the bytes are from; undefined: going on after a cut would be a guess. */
  validator: string | undefined;
}

/** Ends a response of which nothing more is wanted, and its connection. */
const drop = (response: IncomingMessage): void => {
  response.on('error', () => {});
  response.destroy();
};

/** What was wanted has come, and the server sends more. */
class Enough extends Error {}

/** `bytes 0-99/1000`; for a range that cannot be, a star instead of the bounds; the size is unknown when it is a star. */
const parseContentRange = (response: IncomingMessage) => {
  const [, start, end, size] =
    /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '') ?? [];
  const numberOf = (text: string | undefined): number | undefined =>
    text === undefined || text === '*' ? undefined : Number(text);
  return { start: numberOf(start), end: numberOf(end), sizeBytes: numberOf(size) };
};

const beyondEnd = ({ path, location, offset, length }: RangeRequest, sizeBytes: number | undefined): Error =>
  slipwayError('CACHE_RANGE_BEYOND_END', { path, location, offset, length, sizeBytes });

/** Where the wanted bytes are in the body: after `skip` others. */
const findBytes = (response: IncomingMessage, request: RangeRequest, from: number): number => {
  const { offset, length } = request;
  if (response.statusCode === 200) {
    const sizeBytes = lengthOf(response);
    if (sizeBytes !== undefined && sizeBytes < offset + length) throw beyondEnd(request, sizeBytes);
    return from;
  }
  const { start, end, sizeBytes } = parseContentRange(response);
  if (sizeBytes !== undefined && sizeBytes < offset + length) throw beyondEnd(request, sizeBytes);
  const wanted = offset + length - from;
  const announced = lengthOf(response);
  const fits = start === from && end === offset + length - 1 && (announced === undefined || announced === wanted);
  if (response.statusCode === 206 && fits) return 0;
  throw new TransientError(`it answered a range request with status ${response.statusCode} and another range`);
};

/** Forgets what came, when it cannot be gone on from. */
const startOver = (arrival: Arrival): void => {
  arrival.filled = 0;
  arrival.validator = undefined;
};

/** Reads the wanted bytes out of a body; what comes before is passed over, and what comes after a whole file's is not read. */
const receive = async (response: IncomingMessage, request: RangeRequest, skip: number, arrival: Arrival) => {
  const isWhole = response.statusCode === 200;
  let toSkip = skip;
  try {
    await readBody(response, (chunk) => {
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      const rest = chunk.subarray(skipped);
      const taken = rest.copy(arrival.bytes, arrival.filled);
      arrival.filled += taken;
      if (isWhole && arrival.filled === arrival.bytes.length) throw new Enough();
      if (taken < rest.length) {
        startOver(arrival);
        throw new TransientError('it sent more than the range that was asked for');
      }
    });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
    drop(response);
  }
  // A body without announced length that ends in order is all that there is of the file.
  if (isWhole && arrival.filled < arrival.bytes.length) throw beyondEnd(request, undefined);
  if (arrival.filled < arrival.bytes.length) throw new TransientError('it sent less than the range that was asked for');
};

/** Makes sure that a response goes on with the file that the bytes so far are of; says how many bytes of it are to be passed over. */
const joinOn = (response: IncomingMessage, request: RangeRequest, arrival: Arrival): number => {
  const skip = findBytes(response, request, request.offset + arrival.filled);
  const { validator } = stateOf(response);
  const isSameFile = validator !== undefined && validator === arrival.validator;
  if (arrival.filled === 0 || isSameFile) {
    arrival.validator = validator;
    return skip;
  }
  // Another file has the name now: none of the bytes that came is worth anything.
  startOver(arrival);
  if (response.statusCode !== 200) throw new TransientError('the file changed meanwhile');
  arrival.validator = validator;
  return request.offset;
};

/** Asks for the rest of the range. */
const ask = async (client: HttpClient, request: RangeRequest, arrival: Arrival): Promise<IncomingMessage> => {
  const { url, offset, length, path, location } = request;
  const { filled, validator } = arrival;
  const condition: Record<string, string> = filled > 0 && validator !== undefined ? { 'if-range': validator } : {};
  const headers = { range: `bytes=${offset + filled}-${offset + length - 1}`, ...condition };
  const response = await client.send({ method: 'GET', url, headers });
  if (response.statusCode !== 404 && response.statusCode !== 410) return response;
  drop(response);
  throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location });
};

const readOnce = async (client: HttpClient, request: RangeRequest, arrival: Arrival): Promise<void> => {
  // All came, but not in order.
  if (arrival.validator === undefined || arrival.filled === arrival.bytes.length) startOver(arrival);
  const response = await ask(client, request, arrival);
  let before = arrival.filled;
  try {
    const skip = joinOn(response, request, arrival);
    before = arrival.filled;
    await receive(response, request, skip, arrival);
  } catch (error) {
    drop(response);
    if (!(error instanceof TransientError)) throw error;
    const hasProgressed = arrival.filled - before >= PROGRESS_BYTES;
    throw new TransientError(error.message, { cause: error.cause, hasProgressed });
  }
};

/**
 * Reads exactly the bytes of a range. A 206 has to answer just what was asked; of a server that ignores ranges the wanted part is picked
 * out of the stream. After a cut the rest of the range is asked for, with If-Range.
 *
 * Throws `CACHE_ARTIFACT_MISSING`, `CACHE_RANGE_BEYOND_END`, `CACHE_UNREACHABLE`, `CACHE_BAD_RESPONSE`, `CACHE_TLS_UNTRUSTED`.
 */
export const readHttpRange = async (
  client: HttpClient,
  request: RangeRequest,
  tryOptions: TryOptions,
): Promise<Buffer> => {
  const arrival: Arrival = { bytes: Buffer.allocUnsafeSlow(request.length), filled: 0, validator: undefined };
  await tryAgain(() => readOnce(client, request, arrival), tryOptions);
  return arrival.bytes;
};
