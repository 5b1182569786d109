import type { IncomingMessage } from 'node:http';
import { TransientError } from '../../cache/failures.ts';
import { createHttpClient, type HttpClient } from '../../cache/https/client.ts';
import { type CacheStore, createStore } from '../../cache/index.ts';
import { isSlipwayError, slipwayError } from '../../errors/index.ts';
import { compareClocks } from '../cache-clock.ts';
import { readCertificate } from '../certificate.ts';
import { combine, failed, findingOf, ok, skipped, warning } from '../finding.ts';
import type { Check, CheckContext, Finding } from '../types.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Certificates of 90 days are renewed 30 days before; one that has so little left was forgotten. */
const SOON_DAYS = 14;
const IDLE_MS = 8_000;
/** One try: a machine is examined, not waited for. */
const PATIENCE = { tries: 1, firstDelayMs: 0, idleMs: IDLE_MS };
/** Nothing is ever published under this name. */
const NOTHING = 'slipway-doctor-asks-for-a-file-that-is-not-there';

/** Opens the cache for a check; the caller closes it. */
export const openCheckedStore = ({ store, runner, signal, env }: CheckContext): CacheStore => {
  if (!store) throw new Error('a check of the cache runs only where the settings could be read');
  return createStore(store, { runner, signal, agentSocket: env.SSH_AUTH_SOCK, patience: PATIENCE });
};

const LOCAL = 'the cache is a folder of this machine (BUILDCACHE_SERVER is not set)';

const isLocal = ({ store }: CheckContext): boolean => !store?.server;

export const cacheSsh: Check = {
  name: 'cache-ssh',
  summary: 'sshd of the cache server: reachable, host key known, lets this account in, folder can be listed',
  usesNetwork: true,
  needsSettings: true,
  async run(context) {
    const { store: settings } = context;
    if (!settings || isLocal(context)) return skipped(LOCAL);
    if (settings.user === '') return skipped('BUILDCACHE_USER is empty: this machine only reads');
    if (context.readOnly) return skipped('--read-only');
    const { server, user, pathPrefix } = settings;
    context.doing(`logging in at ${server} as ${user}`);
    const store = openCheckedStore(context);
    try {
      const entries = await store.entries('');
      const seen = `${user}@${server} lets this machine in and its host key is known`;
      return ok(`${seen}; ${entries.length} ${entries.length === 1 ? 'name' : 'names'} in ${pathPrefix}`);
    } catch (error) {
      if (context.signal.aborted || !isSlipwayError(error, 'CACHE_LOGIN')) throw error;
      return failed(error.message, `${error.hint}\nA machine that only reads the cache: doctor --read-only`);
    } finally {
      await store.close();
    }
  },
};

/** An answer, and when it was asked for and came. */
interface Answer {
  readonly response: IncomingMessage;
  readonly sentMs: number;
  readonly receivedMs: number;
}

const baseUrl = (context: CheckContext): string => (context.settings?.BUILDCACHE_URL ?? '').replace(/\/+$/, '');

/** Asks for a file that is not there: every static web server has an answer to that, also one that lists no folders. */
const askForNothing = async (context: CheckContext): Promise<Answer> => {
  const client: HttpClient = createHttpClient({
    caFile: context.store?.caFile || undefined,
    idleMs: IDLE_MS,
    signal: context.signal,
  });
  try {
    // A first one opens the connection, so that the time of the second is that of the answer alone.
    const url = `${baseUrl(context)}/${NOTHING}`;
    (await client.send({ method: 'HEAD', url })).resume();
    const sentMs = context.now().getTime();
    const response = await client.send({ method: 'HEAD', url });
    const receivedMs = context.now().getTime();
    response.resume();
    return { response, sentMs, receivedMs };
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    const facts = { host: new URL(baseUrl(context)).host, tries: 1, doing: 'read from it', problem: error.message };
    throw slipwayError('CACHE_UNREACHABLE', facts, error);
  } finally {
    client.close();
  }
};

const certificateFinding = async (context: CheckContext): Promise<Finding> => {
  const url = new URL(baseUrl(context));
  if (url.protocol !== 'https:') {
    return warning(
      `${url.origin} is not encrypted: who sits in between can change everything but what is signed`,
      'Set BUILDCACHE_URL to an https:// address.',
    );
  }
  const facts = await readCertificate(url, context.signal);
  if (!facts) return ok('no certificate could be looked at');
  const days = Math.floor((facts.endsMs - context.now().getTime()) / DAY_MS);
  const by = `certificate by ${facts.issuers.join(', by ')}`;
  const end = `${new Date(facts.endsMs).toISOString().slice(0, 10)}`;
  if (days < 0)
    return failed(`${by}, expired on ${end}`, 'Renew it on the server, and make its web server read it again.');
  const seen = `${by}, for ${facts.names.join(', ')}, expires on ${end}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  return days < SOON_DAYS
    ? warning(seen, 'Renew it on the server, and see why that does not happen by itself.')
    : ok(seen);
};

const answerFinding = async (context: CheckContext): Promise<Finding> => {
  try {
    const { response } = await askForNothing(context);
    const { statusCode } = response;
    if (statusCode === 404 || statusCode === 410) return ok(`${baseUrl(context)} answers and is trusted`);
    const fix =
      'Expected is a static web server over the folder of the cache: let it answer 404 for what is not there.';
    return failed(`${baseUrl(context)} answers ${statusCode} for a file that is not there`, fix);
  } catch (error) {
    if (context.signal.aborted) throw error;
    return findingOf(error);
  }
};

export const cacheHttps: Check = {
  name: 'cache-https',
  summary: 'web server of the cache: answers, certificate trusted and for how many days more',
  usesNetwork: true,
  needsSettings: true,
  limitMs: 20_000,
  async run(context) {
    if (isLocal(context)) return skipped(LOCAL);
    if (!URL.canParse(baseUrl(context)))
      return failed(`BUILDCACHE_URL=${baseUrl(context)} is no URL`, 'Expected for example https://cache.example.org');
    context.doing(`reading from ${baseUrl(context)}`);
    const [answer, certificate] = await Promise.all([answerFinding(context), certificateFinding(context)]);
    return combine([answer, certificate]);
  },
};

export const cacheClock: Check = {
  name: 'cache-clock',
  summary: "difference between this machine's clock and that of the cache's web server",
  usesNetwork: true,
  needsSettings: true,
  limitMs: 20_000,
  async run(context) {
    if (isLocal(context)) return skipped(LOCAL);
    context.doing(`asking ${baseUrl(context)} for its time`);
    try {
      const { response, sentMs, receivedMs } = await askForNothing(context);
      return compareClocks(response.headers.date, sentMs, receivedMs);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const known = ['CACHE_UNREACHABLE', 'CACHE_TLS_UNTRUSTED', 'CACHE_BAD_RESPONSE'] as const;
      if (known.some((code) => isSlipwayError(error, code)))
        return skipped("the web server cannot be asked; see the check 'cache-https'");
      throw error;
    }
  },
};
