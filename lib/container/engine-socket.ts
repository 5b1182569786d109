import type { ClientRequest, IncomingMessage } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { slipwayError } from '../errors/index.ts';
import type { Log } from '../log/index.ts';
import type { Command, RunningCommand, RunResult } from '../process/index.ts';
import type { FoundEngine } from './find-engine.ts';

/** docker's daemon, reached without its client, which copies what it is given and is one more program that wants a processor. */
export interface EngineSocket {
  /**
   * Starts a request whose body is what comes by standard input.
   *
   * @param path with its query, for example `/images/load?quiet=1`
   * @param likeCommand the client's command that does the same: what the log and errors show, because that is what people can run again
   * @returns undefined when the socket cannot be used, or leads to another daemon than the client; it ends like a command and throws what a command throws
   */
  post(path: string, likeCommand: Command): Promise<RunningCommand | undefined>;
}

/** How to reach the daemon. */
export interface EngineSocketSettings {
  /** Of the client: `DOCKER_HOST` counts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path; for the log and errors. */
  readonly cwd: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

// See lib/cache/https/client.ts.
const http = process.getBuiltinModule('node:http');

const ANSWER_TIMEOUT_MS = 5000;

/** @returns absolute path, or undefined for a daemon that is not reached by a socket of this machine */
const socketOf = ({ DOCKER_HOST: host }: EngineSocketSettings['env']): string | undefined => {
  if (!host) return '/var/run/docker.sock';
  return host.startsWith('unix:///') ? host.slice('unix://'.length) : undefined;
};

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return text;
};

/** What the daemon that listens there calls itself; any trouble is an answer, too. */
const askId = (socketPath: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/info', timeout: ANSWER_TIMEOUT_MS, agent: false });
    request.once('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.once('response', async (response) => {
      try {
        resolve((JSON.parse(await textOf(response)) as { ID?: string }).ID);
      } catch {
        resolve(undefined);
      }
    });
  });

interface Line {
  readonly message?: string;
  readonly error?: string;
}

/** What went wrong, by the daemon's answer: JSON, or lines of it, the last of which may be an error although the status is none. */
const faultIn = (status: number, text: string): string | undefined => {
  const lines = text.split('\n').flatMap((line): Line[] => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      return [];
    }
  });
  const error = lines.find((line) => line.error !== undefined)?.error;
  if (status < 400) return error;
  return error ?? lines[0]?.message ?? `It answered with status ${status}: ${text.slice(0, 500)}`;
};

/** The answer to a request; one that comes before the body has ended counts. */
const answerTo = (request: ClientRequest): Promise<string | undefined> =>
  new Promise((resolve) => {
    const broken = (error: Error): void => resolve(`error during connect: ${error.message}`);
    let isAnswered = false;
    request.once('response', (response) => {
      isAnswered = true;
      textOf(response).then((text) => resolve(faultIn(response.statusCode ?? 0, text)), broken);
    });
    // After the answer, what is still being sent is of no use to the daemon.
    request.on('error', (error) => isAnswered || broken(error));
    request.once('close', () => isAnswered || broken(new Error('the connection was closed')));
  });

/** Makes it; the daemon is asked for its name before the first request. */
const createEngineSocket = (daemonId: string, { env, cwd, log, signal }: EngineSocketSettings): EngineSocket => {
  const socketPath = socketOf(env);
  let isSame: Promise<boolean> | undefined;

  const start = (path: string, command: Command): RunningCommand => {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    const said = log.command(command, cwd);
    const request = http.request({ socketPath, path, method: 'POST', agent: false });
    request.setHeader('Content-Type', 'application/x-tar');
    let isStopped = false;
    const stop = (): void => {
      isStopped = true;
      request.destroy();
    };
    signal?.addEventListener('abort', stop, { once: true });
    const done = (async (): Promise<RunResult> => {
      const fault = await answerTo(request);
      signal?.removeEventListener('abort', stop);
      // Whoever is still writing waits for this.
      request.destroy();
      const durationMs = performance.now() - startedMs;
      const ok = fault === undefined && !isStopped;
      const end = { exitCode: isStopped ? undefined : Number(!ok), signal: isStopped ? 'SIGTERM' : undefined };
      if (fault !== undefined) said.output(fault);
      said.finish({ ...end, ok, durationMs });
      if (signal?.aborted) throw signal.reason;
      const lastOutput = fault ?? '';
      if (!ok) throw slipwayError('COMMAND_FAILED', { command, cwd, ...end, lastOutput, commandId: said.id });
      return { exitCode: 0, stdout: '', stderr: '', durationMs };
    })();
    // Thrown to whoever waits for it.
    done.catch(() => {});
    return { stdin: request as unknown as Writable, stdout: Readable.from([]), pid: undefined, done, stop };
  };

  return {
    async post(path, likeCommand) {
      if (socketPath === undefined) return undefined;
      isSame ??= askId(socketPath).then((id) => id === daemonId);
      return (await isSame) ? start(path, likeCommand) : undefined;
    },
  };
};

/** The socket of an engine, if it is docker; others take images by their command alone. */
export const openEngineSocket = (
  found: FoundEngine | undefined,
  settings: EngineSocketSettings,
): EngineSocket | undefined =>
  found?.info.daemonId === undefined ? undefined : createEngineSocket(found.info.daemonId, settings);
