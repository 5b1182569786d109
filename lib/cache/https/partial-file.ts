import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { lengthOf } from './body.ts';

/** What tells one state of a file on the server from another. */
export interface RemoteState {
  /** Undefined when the server does not say. */
  readonly sizeBytes: number | undefined;
  /** An ETag that is strong, or a Last-Modified date: what may stand in If-Range. Undefined: resuming would be a guess. */
  readonly validator: string | undefined;
}

/** Reads the state from a response to GET or HEAD of the whole file. */
export const stateOf = (response: IncomingMessage): RemoteState => {
  const { etag } = response.headers;
  const strong = etag && !etag.startsWith('W/') ? etag : undefined;
  return { sizeBytes: lengthOf(response), validator: strong ?? response.headers['last-modified'] };
};

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/**
 * Where the bytes of a download gather: beside its target, under a name made from the target and the server's state, so that
 * bytes of two states of a file are never mixed.
 */
export const partialFile = (toFile: string, state: RemoteState): string =>
  join(
    dirname(toFile),
    `.slipway-${shortHash(basename(toFile))}-${shortHash(`${state.validator} ${state.sizeBytes}`)}.partial`,
  );

/** Partial files of a download, of whatever state. */
export const findPartials = async (toFile: string): Promise<readonly string[]> => {
  const prefix = `.slipway-${shortHash(basename(toFile))}-`;
  const names = await readdir(dirname(toFile));
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith('.partial'))
    .map((name) => join(dirname(toFile), name));
};

/** Deletes the partial files of a download, except maybe one. */
export const removePartials = async (toFile: string, except?: string): Promise<void> => {
  for (const file of await findPartials(toFile)) if (file !== except) await rm(file, { force: true });
};
