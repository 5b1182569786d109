import type { Agent, IncomingMessage } from 'node:http';
import https from 'node:https';
import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import { isUntrusted, problemOf, TransientError } from '../failures.ts';
import { createTrust } from './trust.ts';

/** What the client needs. */
export interface HttpClientOptions {
  /** PEM file of authorities to trust besides those of Node and of the system. */
  readonly caFile: string | undefined;
  /** Milliseconds without a byte until a connection counts as dead. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends requests; throws `TransientError`, `CACHE_TLS_UNTRUSTED` or `CACHE_BAD_RESPONSE`. */
export interface HttpClient {
  /** @returns a response with status 200, 206, 404, 410, 412 or 416, whose body the caller reads or destroys */
  send(request: HttpRequest): Promise<IncomingMessage>;
  close(): void;
}

// An `import` of it reads all that it exports, `WebSocket` too, and that loads all of fetch: a tenth of a step's start.
const http = process.getBuiltinModule('node:http');

const MAX_REDIRECTS = 5;
const MAX_CONNECTIONS = 8;
const ANSWERS = new Set([200, 206, 404, 410, 412, 416]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const isTransientStatus = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

/** Where a redirect leads, if it may be followed: what is trusted is this host, and over this protocol. */
const followRedirect = (url: string, response: IncomingMessage): string => {
  const target = new URL(response.headers.location ?? '', url);
  const from = new URL(url);
  const isUpgrade = from.protocol === 'http:' && target.protocol === 'https:';
  if (target.hostname !== from.hostname || (target.protocol !== from.protocol && !isUpgrade)) {
    throw slipwayError('CACHE_BAD_RESPONSE', { url, problem: `it redirects to another place, ${target.origin}` });
  }
  return target.href;
};

/** Makes an HTTP(S) client that keeps connections open between requests. */
export const createHttpClient = ({ caFile, idleMs, signal }: HttpClientOptions): HttpClient => {
  const trust = createTrust(caFile);
  let secure: https.Agent | undefined;
  const settings = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const plain = new http.Agent(settings);
  const agentFor = (url: URL): Agent => {
    if (url.protocol === 'http:') return plain;
    secure ??= new https.Agent({ ...settings, secureContext: trust.context() });
    return secure;
  };

  const failure = (url: URL, error: unknown): unknown => {
    if (signal?.aborted) return signal.reason;
    if (error instanceof TransientError) return error;
    if (isUntrusted(error)) {
      return slipwayError('CACHE_TLS_UNTRUSTED', { host: url.host, reason: problemOf(error), caFile }, error);
    }
    return new TransientError(problemOf(error), { cause: error });
  };

  /** A server that is not trusted is asked once more when everybody is let in who may be trusted. */
  const sendTrusting = async (request: HttpRequest): Promise<IncomingMessage> => {
    const asked = secure;
    try {
      return await sendOnce(request);
    } catch (error) {
      if (!isSlipwayError(error, 'CACHE_TLS_UNTRUSTED')) throw error;
      // Several requests at once fail together; the first of them widens for all.
      if (trust.widen()) secure = undefined;
      else if (secure === asked && asked !== undefined) throw error;
      return await sendOnce(request);
    }
  };

  const sendOnce = ({ method, url, headers }: HttpRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const agent = agentFor(target);
      const { request } = target.protocol === 'http:' ? http : https;
      const sent = request(target, {
        method,
        agent,
        signal,
        headers: { 'user-agent': 'slipway', 'accept-encoding': 'identity', ...headers },
      });
      let response: IncomingMessage | undefined;
      sent.setTimeout(idleMs, () => {
        const stalled = new TransientError(`nothing came for ${idleMs / 1000} s`);
        response?.destroy(stalled);
        sent.destroy(stalled);
      });
      sent.on('error', (error) => reject(failure(target, error)));
      sent.on('response', (answer) => {
        response = answer;
        resolve(answer);
      });
      sent.end();
    });

  const send = async (request: HttpRequest, redirects = 0): Promise<IncomingMessage> => {
    const response = await sendTrusting(request);
    const status = response.statusCode ?? 0;
    if (ANSWERS.has(status)) return response;
    response.on('error', () => {});
    response.resume();
    if (isTransientStatus(status)) throw new TransientError(`it answered with status ${status}`);
    if (!REDIRECTS.has(status)) {
      throw slipwayError('CACHE_BAD_RESPONSE', {
        url: request.url,
        problem: `the server answered with status ${status}`,
      });
    }
    if (redirects === MAX_REDIRECTS) {
      throw slipwayError('CACHE_BAD_RESPONSE', { url: request.url, problem: 'it redirects in a circle' });
    }
    return send({ ...request, url: followRedirect(request.url, response) }, redirects + 1);
  };

  return {
    send: (request) => send(request),
    close() {
      plain.destroy();
      secure?.destroy();
    },
  };
};
