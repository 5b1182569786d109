import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { createQmp, parseForwardedPort, type QmpEvent } from '../../../lib/qemu/qmp.ts';
import { endMachine } from '../../../lib/qemu/shutdown.ts';

const connect = () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  return { stdin, stdout, qmp: createQmp(stdin, stdout) };
};

describe('createQmp', () => {
  test('matches replies by id, however they are ordered and cut', async () => {
    const { stdin, stdout, qmp } = connect();
    const events: QmpEvent[] = [];
    qmp.onEvent((event) => events.push(event));
    const [first, second] = [qmp.execute('a'), qmp.execute('b', { x: 1 })];
    expect(String(stdin.read())).toBe('{"execute":"a","id":1}\n{"execute":"b","arguments":{"x":1},"id":2}\n');
    stdout.write('{"QMP":{}}\r\nnoise\n{"return":"B","i');
    stdout.write('d":2}\r\n{"event":"RESET","data":{"guest":true}}\n{"return":{},"id":1}\n');
    expect(await second).toBe('B');
    expect(await first).toEqual({});
    expect(events).toEqual([{ event: 'RESET', data: { guest: true } }]);
  });

  test('passes on a refusal, and fails what waits when QEMU ends', async () => {
    const { stdout, qmp } = connect();
    const refused = qmp.execute('a');
    const waiting = qmp.execute('b');
    stdout.write('{"error":{"class":"GenericError","desc":"no such thing"},"id":1}\n');
    await expect(refused).rejects.toMatchObject({ code: 'VM_CONTROL_FAILED', data: { answer: 'no such thing' } });
    stdout.destroy();
    await expect(waiting).rejects.toMatchObject({ data: { command: 'b', answer: 'QEMU has ended' } });
    await expect(qmp.execute('c')).rejects.toMatchObject({ code: 'VM_CONTROL_FAILED' });
  });
});

test('parseForwardedPort finds the port that QEMU picked', () => {
  const text =
    'Hub -1 (net):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n' +
    '  TCP[HOST_FORWARD]  11       127.0.0.1 36675       10.0.2.15    22     0     0\r\n';
  expect(parseForwardedPort(text)).toBe(36675);
  expect(parseForwardedPort('')).toBeUndefined();
});

describe('endMachine', () => {
  /** A machine that ends at one rung of the ladder and ignores the others. */
  const endsAt = async (rung: string, timeoutMs = 20): Promise<{ end: string; asked: string[] }> => {
    const asked: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const ask = async (name: string): Promise<void> => {
      asked.push(name);
      if (name === rung) resolve();
      else await sleep(10_000, undefined, { ref: false });
    };
    if (rung === 'before') resolve();
    const qmp = { execute: ask, onEvent: () => () => {} };
    const kill = () => void ask('kill');
    const end = await endMachine({ qmp, ended: promise, kill, askGuest: () => ask('guest'), timeoutMs });
    return { end, asked };
  };

  test('takes one rung after the other', async () => {
    expect(await endsAt('before')).toEqual({ end: 'already', asked: [] });
    expect(await endsAt('guest')).toEqual({ end: 'guest', asked: ['guest'] });
    expect(await endsAt('system_powerdown')).toEqual({ end: 'power-button', asked: ['guest', 'system_powerdown'] });
    expect(await endsAt('quit')).toEqual({ end: 'quit', asked: ['guest', 'system_powerdown', 'quit'] });
  });

  test('kills a machine that follows nothing', async () => {
    const { end, asked } = await endsAt('kill');
    expect([end, asked.at(-1)]).toEqual(['killed', 'kill']);
  }, 10_000);

  test('asks for no order when there is no time', async () => {
    expect(await endsAt('quit', 0)).toEqual({ end: 'quit', asked: ['quit'] });
  });
});
