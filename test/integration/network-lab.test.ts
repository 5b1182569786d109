import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isRoot } from '../helpers/dedup-limits.ts';
import { buildLab, type NetworkLab } from '../helpers/network-lab.ts';
import { processesNaming, waitUntilGone } from '../helpers/processes.ts';
import { useTempFolders } from '../helpers/temp.ts';

jest.setTimeout(120_000);

const makeFolder = useTempFolders();

/** A server that says its name to whoever connects, and says `served` when it did. */
const SERVER = `
const server = require('node:net').createServer((socket) => socket.end('I am ' + process.argv[1]));
server.listen(70, () => console.log('listening'));
`;

/** Connects to a host; prints what it says, or the code of the error. */
const CLIENT = `
const socket = require('node:net').connect({ host: process.argv[1], port: 70, timeout: 1500 });
socket.on('data', (data) => console.log(String(data)));
socket.on('error', (error) => console.log(error.code));
socket.on('timeout', () => { console.log('silence'); socket.destroy(); });
`;

const describeAsRoot = isRoot ? describe : describe.skip;

describeAsRoot('a lab of hosts (left out without root)', () => {
  let lab: NetworkLab;
  const node = (script: string, word: string) => ({ command: [process.execPath, '-e', script, word] });
  const ask = (from: string, to: string): string => lab.host(from).run(node(CLIENT, to)).trim();

  beforeAll(async () => {
    lab = await buildLab(makeFolder('lab'), ['one', 'two', 'three']);
    for (const name of ['one', 'two']) await lab.host(name).start(node(SERVER, name), /listening/);
  });

  afterAll(() => lab.stop());

  test('each host is reached by its name, and by nobody on this machine', () => {
    expect(ask('three', 'one')).toBe('I am one');
    expect(ask('three', 'two.lab')).toBe('I am two');
    expect(ask('three', 'three')).toBe('ECONNREFUSED');
    const routes = execFileSync('ip', ['route'], { encoding: 'utf8' });
    expect(routes).not.toContain('10.77.0.');
  });

  test('a pulled cable is silence, for that host only, until it is put in again', () => {
    lab.setUp('one', false);
    expect(['silence', 'EHOSTUNREACH']).toContain(ask('three', 'one'));
    expect(ask('three', 'two')).toBe('I am two');
    lab.setUp('one', true);
    expect(ask('three', 'one')).toBe('I am one');
  });

  test('a way that was taken away fails at once, from that host only', () => {
    lab.setReachable('three', 'one', false);
    expect(ask('three', 'one')).toBe('EHOSTUNREACH');
    expect(ask('two', 'one')).toBe('I am one');
    lab.setReachable('three', 'one', true);
    expect(ask('three', 'one')).toBe('I am one');
  });

  test('nothing is left when it stops: no process, no namespace, no mount', async () => {
    const other = await buildLab(makeFolder('lab'), ['alone']);
    const marker = `slipway-lab-${process.pid}`;
    await other.host('alone').start(node(SERVER, marker), /listening/);
    expect(processesNaming(marker)).not.toEqual([]);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain('netns/alone');
    await other.stop();
    expect(await waitUntilGone(marker)).toEqual([]);
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain('alone');
  });
});
