import type { IncomingMessage } from 'node:http';
import { slipwayError } from '../../errors/index.ts';
import type { Log } from '../../log/index.ts';
import { nameOf, STAGING, urlOf } from '../paths.ts';
import { PATIENCE, type Patience, type TryOptions, tryAgain } from '../try-again.ts';
import type { CachePath, TransferOptions } from '../types.ts';
import { lengthOf, readSmall, readText } from './body.ts';
import { createHttpClient } from './client.ts';
import { downloadFile } from './download.ts';
import { parseHtmlIndex } from './html-index.ts';
import { readHttpRange } from './range.ts';

/** What reading over HTTPS needs. */
export interface HttpsReaderOptions {
  /** Where the cache's folders begin, for example `https://cache.example`. */
  readonly url: string;
  /** The setting that it is from, for messages. */
  readonly setting?: string;
  readonly caFile: string | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

/** The reading half of a remote store; paths are already validated. */
export interface HttpsReader {
  size(path: CachePath): Promise<number | undefined>;
  /** Undefined also when the server does not say that it does ranges. */
  rangedSize(path: CachePath): Promise<number | undefined>;
  /** Names in the server's folder listing. */
  list(folder: CachePath, onlyFolders?: boolean): Promise<readonly string[]>;
  readText(path: CachePath): Promise<string | undefined>;
  readBytes(path: CachePath, maxBytes: number): Promise<Buffer | undefined>;
  readRange(path: CachePath, offset: number, length: number): Promise<Buffer>;
  download(path: CachePath, toFile: string, options?: TransferOptions): Promise<void>;
  close(): void;
}

const checkUrl = ({ url, setting = 'BUILDCACHE_URL' }: HttpsReaderOptions): URL => {
  const refuse = (reason: string): never => {
    throw slipwayError('CACHE_SETTING_INVALID', { setting, value: url, reason });
  };
  if (!URL.canParse(url)) return refuse('it is not a URL');
  const parsed = new URL(url);
  if (!['https:', 'http:'].includes(parsed.protocol)) return refuse('expected https://... (or http://...)');
  if (parsed.username || parsed.password) return refuse('a name and password in it would show up in logs');
  if (parsed.search || parsed.hash) return refuse("'?' and '#' cannot be in it");
  return parsed;
};

const isThere = (response: IncomingMessage): boolean => response.statusCode === 200;

/**
 * Reads artifacts from a static web server.
 *
 * Throws `CACHE_SETTING_INVALID` for a URL that cannot be one.
 */
export const createHttpsReader = (options: HttpsReaderOptions): HttpsReader => {
  const base = checkUrl(options);
  const { log, signal, patience = PATIENCE } = options;
  const client = createHttpClient({ caFile: options.caFile, idleMs: patience.idleMs, signal });
  const tryOptions = (doing: string): TryOptions => ({ host: base.host, doing, patience, log, signal });
  const url = (path: CachePath): string => urlOf(base.href, path);

  const getText = (target: string, doing: string): Promise<string | undefined> =>
    tryAgain(async () => {
      const response = await client.send({ method: 'GET', url: target });
      const text = await readText(response, target);
      return isThere(response) ? text : undefined;
    }, tryOptions(doing));

  return {
    size: (path) =>
      tryAgain(
        async () => {
          const response = await client.send({ method: 'HEAD', url: url(path) });
          response.resume();
          if (!isThere(response)) return undefined;
          const size = lengthOf(response);
          if (size === undefined) {
            throw slipwayError('CACHE_BAD_RESPONSE', {
              url: url(path),
              problem: 'the server does not say how long the file is',
            });
          }
          return size;
        },
        tryOptions(`look for ${path}`),
      ),
    rangedSize: (path) =>
      tryAgain(
        async () => {
          const response = await client.send({ method: 'HEAD', url: url(path) });
          response.resume();
          return isThere(response) && response.headers['accept-ranges'] === 'bytes' ? lengthOf(response) : undefined;
        },
        tryOptions(`look for ${path}`),
      ),
    list: async (folder, onlyFolders = false) => {
      const target = `${url(folder).replace(/\/+$/, '')}/`;
      const html = await getText(target, `list ${folder || 'the cache'}`);
      const names = html === undefined ? [] : parseHtmlIndex(html, target, { onlyFolders });
      return names.filter((name) => folder !== '' || name !== STAGING);
    },
    readText: (path) => getText(url(path), `read ${nameOf(path)}`),
    readBytes: (path, maxBytes) =>
      tryAgain(
        async () => {
          const response = await client.send({ method: 'GET', url: url(path) });
          if (isThere(response)) {
            return readSmall(response, maxBytes, () =>
              slipwayError('CACHE_FILE_TOO_LONG', { path, location: base.href, maxBytes }),
            );
          }
          response.resume();
          return undefined;
        },
        tryOptions(`read ${nameOf(path)}`),
      ),
    readRange: async (path, offset, length) => {
      // HTTP has no range of no bytes.
      if (length === 0) return Buffer.alloc(0);
      const request = { url: url(path), offset, length, path, location: base.href };
      return readHttpRange(client, request, tryOptions(`read a part of ${nameOf(path)}`));
    },
    download: (path, toFile, transfer = {}) =>
      downloadFile(
        client,
        { ...transfer, url: url(path), toFile },
        { location: base.href, path },
        tryOptions(`download ${nameOf(path)}`),
      ),
    close: client.close,
  };
};
