import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, type Stats, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/** A private authority and a certificate for loopback, as PEM files. */
export interface TestCertificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
};

/** Makes an authority and a certificate for `127.0.0.1` and `localhost` with openssl. @param names more host names */
export const makeCertificates = (folder: string, names: readonly string[] = []): TestCertificates => {
  const at = (name: string): string => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  );
  openssl('req', ...newKey, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=127.0.0.1');
  const hosts = ['localhost', ...names].map((name) => `DNS:${name}`);
  writeFileSync(at('san'), `subjectAltName=IP:127.0.0.1,${hosts.join()}\n`);
  const ca = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    ...ca,
    '-days',
    '2',
    '-extfile',
    at('san'),
    '-out',
    at('server.pem'),
  );
  return { caFile: at('ca.pem'), certFile: at('server.pem'), keyFile: at('server.key') };
};

/** What is to go wrong with a request; undefined: nothing. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly location?: string }
  /** The connection is cut after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes, and nobody hangs up. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** The announced length and the body are too short: a proxy's work. */
  | { readonly kind: 'truncate'; readonly toBytes: number }
  /** The range is ignored. */
  | { readonly kind: 'whole' }
  /** The range is answered with one that begins so many bytes later, and ends so many bytes later (or, negative, earlier). */
  | { readonly kind: 'shift'; readonly start: number; readonly end: number }
  /** The range is announced right, without a length, and so many bytes more are sent. */
  | { readonly kind: 'more'; readonly bytes: number };

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly bodyBytes: () => number;
}

/** A static HTTPS server. */
export interface TestHttpsServer {
  readonly url: string;
  readonly port: number;
  readonly requests: SeenRequest[];
  /** How many connections there have been. */
  readonly connections: () => number;
  /** Bytes of bodies sent so far. */
  readonly servedBytes: () => number;
  /** Decides on each request; replace to inject faults. */
  onRequest: (path: string, method: string, count: number) => Fault | undefined;
  stop(): Promise<void>;
}

interface Served {
  readonly status: number;
  readonly start: number;
  readonly length: number;
  readonly headers: Record<string, string | number>;
}

const parseRange = (request: IncomingMessage, stats: Stats, etag: string, ignore: boolean): Served => {
  const headers = { etag, 'last-modified': stats.mtime.toUTCString(), 'accept-ranges': 'bytes' };
  const whole = { status: 200, start: 0, length: stats.size, headers };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  if (ignore || !range || (condition !== undefined && condition !== etag)) return whole;
  const start = Number(range[1]);
  if (start >= stats.size) {
    return { status: 416, start: 0, length: 0, headers: { ...headers, 'content-range': `bytes */${stats.size}` } };
  }
  const end = Math.min(range[2] ? Number(range[2]) : stats.size - 1, stats.size - 1);
  const contentRange = `bytes ${start}-${end}/${stats.size}`;
  return { status: 206, start, length: end - start + 1, headers: { ...headers, 'content-range': contentRange } };
};

const shifted = (
  { status, start, length, headers }: Served,
  by: { readonly start: number; readonly end: number },
  sizeBytes: number,
): Served => {
  const [first, last] = [start + by.start, start + length - 1 + by.end];
  const contentRange = `bytes ${first}-${last}/${sizeBytes}`;
  return { status, start: first, length: last - first + 1, headers: { ...headers, 'content-range': contentRange } };
};

const sendIndex = (folder: string, response: ServerResponse): void => {
  const names = readdirSync(folder, { withFileTypes: true }).map(
    (entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`,
  );
  const toHtml = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const links = names.map((name) => `<a href="${encodeURIComponent(name).replace(/%2F$/, '/')}">${toHtml(name)}</a>`);
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(`<html><body><h1>Index</h1><pre>\n<a href="../">../</a>\n${links.join('\n')}\n</pre></body></html>`);
};

/**
 * Serves a folder: GET, HEAD, ranges with If-Range, folder listings.
 *
 * @param root absolute path
 */
export const startHttpsServer = async (root: string, certificates: TestCertificates): Promise<TestHttpsServer> => {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let servedBytes = 0;
  let connections = 0;
  const counts = new Map<string, number>();

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'https://localhost').pathname);
    const method = request.method ?? '';
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    let bodyBytes = 0;
    requests.push({ method, path, range: request.headers.range, bodyBytes: () => bodyBytes });
    const fault = server.onRequest(path, method, count);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.location ? { location: fault.location } : {});
      response.end('fault');
      return;
    }
    const file = join(root, path);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats) {
      response.writeHead(404);
      response.end('not here');
      return;
    }
    if (stats.isDirectory()) {
      sendIndex(file, response);
      return;
    }
    const etag = `"${stats.ino}-${stats.size}-${stats.mtimeMs}"`;
    const asked = parseRange(request, stats, etag, fault?.kind === 'whole');
    const served = fault?.kind === 'shift' ? shifted(asked, fault, stats.size) : asked;
    const more = fault?.kind === 'more' ? fault.bytes : 0;
    const length = fault?.kind === 'truncate' ? Math.min(fault.toBytes, served.length) : served.length + more;
    response.writeHead(served.status, { ...served.headers, ...(more === 0 ? { 'content-length': length } : {}) });
    if (method === 'HEAD' || length === 0) {
      response.end();
      return;
    }
    const isBroken = fault?.kind === 'cut' || fault?.kind === 'stall';
    const end = served.start + (isBroken ? Math.min(fault.afterBytes, length) : length - more);
    if (end === served.start) {
      if (fault?.kind === 'cut') request.socket.destroy();
      else response.flushHeaders();
      return;
    }
    const body = createReadStream(file, { start: served.start, end: end - 1 });
    body.on('data', (chunk) => {
      servedBytes += chunk.length;
      bodyBytes += chunk.length;
    });
    body.pipe(response, { end: !isBroken && more === 0 });
    if (more > 0) body.on('end', () => response.end(Buffer.alloc(more)));
    if (fault?.kind === 'cut') body.on('end', () => setTimeout(() => request.socket.destroy(), 50));
  };

  const httpsServer = createServer(
    { key: readFileSync(certificates.keyFile), cert: readFileSync(certificates.certFile) },
    handle,
  );
  httpsServer.on('connection', (socket: Socket) => {
    sockets.add(socket);
    connections += 1;
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => httpsServer.listen(0, '127.0.0.1', resolve));
  const address = httpsServer.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const server: TestHttpsServer = {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    servedBytes: () => servedBytes,
    onRequest: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        httpsServer.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;
};
