import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createConsoleCleaner, followConsole } from '../../../lib/qemu/console.ts';
import { fc } from '../../helpers/fast-check.ts';

const ESC = '\u001b';

describe('createConsoleCleaner', () => {
  test('takes out escape sequences, carriage returns and zeros', () => {
    const clean = createConsoleCleaner();
    const text = `${ESC}c${ESC}[2J${ESC}[01;01H${ESC}[=3hBdsDxe\r\n[${ESC}[0;32m  OK  ${ESC}[0m] Started\0${ESC}[?2004l${ESC}(B\r\n`;
    expect(clean(Buffer.from(text))).toBe('BdsDxe\n[  OK  ] Started\n');
  });

  test('gives the same text wherever the stream is cut', () => {
    const whole = Buffer.from(`a${ESC}[1;31mé€${ESC}[0m\r\nlogin: ${ESC}(Bx`);
    const expected = createConsoleCleaner()(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
        const clean = createConsoleCleaner();
        const edges = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const pieces = edges.slice(1).map((end, at) => clean(whole.subarray(edges[at], end)));
        expect(pieces.join('')).toBe(expected);
      }),
    );
  });
});

describe('followConsole', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'console-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('shows what is appended, also what comes just before the end', async () => {
    const file = path.join(folder, 'console.log');
    const console = await followConsole(file);
    const heard: string[] = [];
    console.onText(() => heard.push(console.textFrom(0)));
    await appendFile(file, 'first\r\n\r\nskiff login: ');
    while (heard.length === 0) await sleep(10);
    expect(console.find(/login: $/)).toBe('login: ');
    const mark = console.mark();
    expect(console.find(/login: $/, mark)).toBeUndefined();
    await appendFile(file, `\nbinary \u0007 ${'x'.repeat(1000)}\nlast`);
    await console.close();
    expect(console.textFrom(mark).endsWith('last')).toBe(true);
    const lines = console.lastLines(3);
    expect(lines[0]).toBe('skiff login:');
    expect(lines[1]).toHaveLength(240);
    expect(lines[1]?.startsWith('binary ? xxx')).toBe(true);
    expect(lines[2]).toBe('last');
  });

  test('keeps the memory small when a guest prints without end, and marks stay right', async () => {
    const file = path.join(folder, 'console.log');
    await appendFile(file, 'of an earlier machine');
    const console = await followConsole(file);
    await appendFile(file, 'y'.repeat(600 * 1024));
    while (console.mark() < 600 * 1024) await sleep(10);
    const mark = console.mark();
    await appendFile(file, 'END');
    await console.close();
    expect(console.textFrom(mark)).toBe('END');
    expect(console.textFrom(0)).toHaveLength(512 * 1024);
  });
});
