import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { explained } from '../../../lib/container/engine-faults.ts';
import { type EngineInfo, openEngineSocket } from '../../../lib/container/index.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { useServers } from '../../helpers/close-servers.ts';
import { useTempFolders } from '../../helpers/temp.ts';

/** What a real daemon does when all is well is in test/integration/container.test.ts. */

const makeFolder = useTempFolders();
const closeLater = useServers();

const INFO: EngineInfo = {
  name: 'docker',
  version: '20.10',
  daemonId: 'AAAA:BBBB',
  storageDriver: 'overlay2',
  storage: { kind: 'graph' },
  isRootless: false,
  imageFolder: '/var/lib/docker',
  arch: 'x86_64',
};
const FOUND = { name: 'docker', command: ['docker'], info: INFO, env: {} } as const;

/** A daemon on a socket that calls itself AAAA:BBBB. */
const listen = async (answer: RequestListener, id = 'AAAA:BBBB'): Promise<string> => {
  const socket = join(makeFolder('daemon'), 'docker.sock');
  const server = createServer((request, response) =>
    request.url === '/info' ? response.end(JSON.stringify({ ID: id })) : answer(request, response),
  );
  closeLater(server);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return `unix://${socket}`;
};

const open = (host: string, signal?: AbortSignal) => {
  const events: LogEvent[] = [];
  const log = createLog((event) => events.push(event));
  return { events, socket: openEngineSocket(FOUND, { env: { DOCKER_HOST: host }, cwd: '/', log, signal }) };
};

const post = async (host: string, signal?: AbortSignal) => {
  const { socket, events } = open(host, signal);
  const running = await socket?.post('/images/load?quiet=1', ['docker', 'load']);
  if (!running) throw new Error('The socket is not used.');
  return { running, events };
};

describe('the socket is not used', () => {
  test('when another daemon listens there than the client asks', async () => {
    const { socket } = open(await listen(() => {}, 'CCCC:DDDD'));
    expect(await socket?.post('/images/load', ['docker', 'load'])).toBeUndefined();
  });

  test.each([
    ['nobody listens there', () => `unix://${makeFolder('empty')}/docker.sock`],
    ['the daemon is on another machine', () => 'tcp://192.0.2.1:2376'],
  ])('when %s', async (_, host) => {
    const { socket } = open(host());
    expect(await socket?.post('/images/load', ['docker', 'load'])).toBeUndefined();
  });

  test('for an engine that is not docker', () => {
    const { daemonId: _, ...info } = INFO;
    const settings = { env: {}, cwd: '/', log: createLog(() => {}) };
    expect(openEngineSocket({ ...FOUND, info }, settings)).toBeUndefined();
  });
});

describe('what is sent', () => {
  test('arrives whole, and the log has the command that does the same', async () => {
    let received = '';
    const host = await listen(async (request, response) => {
      received = `${request.method} ${request.url} `;
      for await (const piece of request) received += piece;
      response.end('{"stream":"Loaded image: sdk:1"}\n');
    });
    const { running, events } = await post(host);
    running.stdin.write('an ');
    running.stdin.end('archive');
    await running.done;
    expect(received).toBe('POST /images/load?quiet=1 an archive');
    expect(events).toMatchObject([
      { kind: 'command-started', command: ['docker', 'load'] },
      { kind: 'command-finished', exitCode: 0 },
    ]);
  });

  test.each([
    ['with an error as the last line', 200, '{"stream":"x"}\n{"errorDetail":{},"error":"no space left on device"}\n'],
    ['with a bad status', 500, '{"message":"write /tmp/x: no space left on device"}'],
  ])('is refused %s, before all of it came, and whoever writes is let go', async (_, status, text) => {
    const host = await listen((__, response) => response.writeHead(status).end(text));
    const { running } = await post(host);
    const writing = (async () => {
      for (let at = 0; at < 1000 && !running.stdin.destroyed; at += 1) {
        await new Promise<void>((resolve) => running.stdin.write(Buffer.alloc(256 * 1024), () => resolve()));
      }
    })();
    await expect(running.done).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      data: { command: ['docker', 'load'], exitCode: 1, lastOutput: expect.stringContaining('no space left') },
    });
    await writing;
  });

  test('and a daemon that dies is one that does not run', async () => {
    const host = await listen((request) => request.once('data', () => request.destroy()));
    const { running } = await post(host);
    running.stdin.write(Buffer.alloc(1000));
    await expect(explained('loading', () => running.done)).rejects.toMatchObject({ code: 'ENGINE_NOT_RUNNING' });
  });
});

describe('a request under way', () => {
  test('can be stopped, like a command', async () => {
    let isClosed = false;
    const host = await listen((request) => request.once('close', () => (isClosed = true)).resume());
    const { running } = await post(host);
    running.stdin.write('some');
    await sleep(50);
    running.stop();
    await expect(running.done).rejects.toMatchObject({ code: 'COMMAND_FAILED', data: { signal: 'SIGTERM' } });
    while (!isClosed) await sleep(10);
  });

  test('ends with the reason of an interruption', async () => {
    const interruption = new AbortController();
    const { running } = await post(await listen((request) => void request.resume()), interruption.signal);
    const reason = new Error('interrupted');
    interruption.abort(reason);
    await expect(running.done).rejects.toBe(reason);
  });
});
