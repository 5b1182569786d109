import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { slipwayError } from '../../errors/index.ts';
import { TransientError } from '../failures.ts';
import { type TryOptions, tryAgain } from '../try-again.ts';
import { createBlockWriter } from './block-writer.ts';
import { readBody } from './body.ts';
import type { HttpClient } from './client.ts';
import { findPartials, partialFile, type RemoteState, removePartials, stateOf } from './partial-file.ts';

/** One download. */
export interface DownloadRequest {
  readonly url: string;
  /** Absolute path; its folder is made. */
  readonly toFile: string;
  readonly onBytes?: (bytes: number) => void;
  readonly onSize?: (sizeBytes: number) => void;
}

/** So much in one try shows that the line works. */
const PROGRESS_BYTES = 64 * 1024;

const isGone = (response: IncomingMessage): boolean => response.statusCode === 404 || response.statusCode === 410;

const sizeIfThere = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const drop = (response: IncomingMessage): void => {
  response.on('error', () => {});
  response.destroy();
};

/** What there is to go on from: a partial file that belongs to the server's present state. */
const findResumable = async (client: HttpClient, { url, toFile }: DownloadRequest) => {
  if ((await findPartials(toFile)).length === 0) return undefined;
  const head = await client.send({ method: 'HEAD', url });
  head.resume();
  const state = stateOf(head);
  const partial = partialFile(toFile, state);
  const offset = await sizeIfThere(partial);
  const isUsable = !isGone(head) && state.validator !== undefined && state.sizeBytes !== undefined;
  if (!isUsable || !offset || offset > (state.sizeBytes ?? 0)) {
    await removePartials(toFile);
    return undefined;
  }
  await removePartials(toFile, partial);
  return { partial, offset, state };
};

/** Whether a 206 answers just what was asked: from `offset` to the end of a file of the known size. */
const fits = (response: IncomingMessage, offset: number, state: RemoteState): boolean => {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers['content-range'] ?? '');
  const size = state.sizeBytes ?? -1;
  return Number(range?.[1]) === offset && Number(range?.[2]) === size - 1 && Number(range?.[3]) === size;
};

/** Writes a body into the partial file from `offset` on; the file is whole when this returns. */
const receive = async (
  response: IncomingMessage,
  partial: string,
  offset: number,
  request: DownloadRequest,
): Promise<void> => {
  // Not truncated: another process may be writing the same bytes to the same places.
  const handle = await open(partial, constants.O_CREAT | constants.O_WRONLY, 0o644);
  const writer = createBlockWriter(handle, offset);
  try {
    await readBody(response, async (chunk) => {
      await writer.write(chunk);
      request.onBytes?.(chunk.length);
    });
    await writer.flush();
    await handle.truncate(writer.position());
  } catch (error) {
    drop(response);
    if (!(error instanceof TransientError)) throw error;
    await writer.flush();
    const hasProgressed = writer.position() - offset >= PROGRESS_BYTES;
    throw new TransientError(error.message, { cause: error.cause, hasProgressed });
  } finally {
    await handle.close();
  }
};

const finish = async (partial: string, toFile: string): Promise<void> => {
  try {
    await chmod(partial, 0o644);
    await rename(partial, toFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Another process that downloads the same was a moment quicker; its file is as good.
    if ((await sizeIfThere(toFile)) === undefined) throw new TransientError('the partial file was removed by somebody');
  }
};

const downloadOnce = async (
  client: HttpClient,
  request: DownloadRequest,
  location: string,
  path: string,
): Promise<void> => {
  const { url, toFile } = request;
  const resumable = await findResumable(client, request);
  if (resumable && resumable.offset === resumable.state.sizeBytes) return finish(resumable.partial, toFile);
  const headers: Record<string, string> = resumable
    ? { range: `bytes=${resumable.offset}-`, 'if-range': resumable.state.validator ?? '' }
    : {};
  const response = await client.send({ method: 'GET', url, headers });
  if (isGone(response)) {
    drop(response);
    throw slipwayError('CACHE_ARTIFACT_MISSING', { path, location });
  }
  if (response.statusCode === 200) {
    const state = stateOf(response);
    if (state.sizeBytes !== undefined) request.onSize?.(state.sizeBytes);
    const partial = partialFile(toFile, state);
    await removePartials(toFile, partial);
    await receive(response, partial, 0, request);
    return finish(partial, toFile);
  }
  if (response.statusCode === 206 && resumable && fits(response, resumable.offset, resumable.state)) {
    request.onSize?.(resumable.state.sizeBytes ?? resumable.offset);
    await receive(response, resumable.partial, resumable.offset, request);
    return finish(resumable.partial, toFile);
  }
  drop(response);
  await removePartials(toFile);
  throw new TransientError(`it answered a range request with status ${response.statusCode} and another range`);
};

/**
 * Downloads a file by way of a partial file beside the target, resuming within this call and in a later one.
 *
 * After a cut: HEAD tells whether the file is still the one that was begun, then the rest is asked for with Range and If-Range. A
 * server that ignores the range sends the whole again, which is fine.
 *
 * Throws `CACHE_ARTIFACT_MISSING`, `CACHE_UNREACHABLE`, `CACHE_BAD_RESPONSE`, `CACHE_TLS_UNTRUSTED`.
 */
export const downloadFile = async (
  client: HttpClient,
  request: DownloadRequest,
  names: { readonly location: string; readonly path: string },
  tryOptions: TryOptions,
): Promise<void> => {
  await mkdir(dirname(request.toFile), { recursive: true });
  try {
    await tryAgain(() => downloadOnce(client, request, names.location, names.path), tryOptions);
  } catch (error) {
    // Who interrupts wants nothing left lying about; who was cut off wants to go on later.
    if (tryOptions.signal?.aborted) await removePartials(request.toFile);
    throw error;
  }
};
