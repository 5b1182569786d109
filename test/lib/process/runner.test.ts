import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { slipwayError } from '../../../lib/errors/index.ts';
import { createLog, type LogEvent } from '../../../lib/log/index.ts';
import { createRunner } from '../../../lib/process/index.ts';

let folder = '';
let events: LogEvent[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runner-'));
  events = [];
});
afterEach(() => rm(folder, { recursive: true }));

const runnerWith = (signal?: AbortSignal, killGraceMs?: number) =>
  createRunner({
    log: createLog((event) => events.push(event)),
    cwd: folder,
    env: { PATH: process.env.PATH },
    signal,
    killGraceMs,
  });

/** A zombie is dead; it only waits for its parent, which in a container may never ask. */
const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.includes(') Z ');
};

/** Waits until a file has content; the fixture programs write their process ids. */
const waitForFile = async (name: string): Promise<string> => {
  for (;;) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.trim() !== '') return text.trim();
    await sleep(10);
  }
};

describe('a command', () => {
  it('hands arguments over as they are', async () => {
    const odd = ['a b', '$HOME', "it's", '-n', '', '*', 'ü\n'];
    const { stdout } = await runnerWith().run(['printf', '[%s]', ...odd], { stdout: 'capture' });
    expect(stdout).toBe(odd.map((word) => `[${word}]`).join(''));
  });

  it('inherits nothing but the given environment', async () => {
    process.env.NOT_FOR_CHILDREN = 'x';
    const { stdout } = await runnerWith().run(['env'], { stdout: 'capture', env: { A: '1' } });
    delete process.env.NOT_FOR_CHILDREN;
    expect(stdout.split('\n').sort()).toEqual(['A=1', `PATH=${process.env.PATH}`]);
  });

  it('shows its output line by line', async () => {
    await runnerWith().run(['sh', '-c', 'echo one; echo two >&2; printf three']);
    const lines = events.flatMap((event) => (event.kind === 'command-output' ? [event.line] : []));
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
  });

  it('takes exit codes that are an answer', async () => {
    await expect(runnerWith().run(['sh', '-c', 'exit 3'], { okExitCodes: [0, 3] })).resolves.toMatchObject({
      exitCode: 3,
    });
    expect(events.at(-1)).toMatchObject({ kind: 'command-finished', exitCode: 3, ok: true });
  });

  it('is told from others that run beside it', async () => {
    const runner = runnerWith();
    await Promise.all(['a', 'b'].map((word) => runner.run(['sh', '-c', `echo ${word}; echo ${word} >&2`])));
    const ids = new Map(
      events.flatMap((event) => (event.kind === 'command-started' ? [[event.id, event.command.at(-1)?.[5]]] : [])),
    );
    expect(ids.size).toBe(2);
    const lines = events.flatMap((event) => (event.kind === 'command-output' ? [event] : []));
    expect(lines).toHaveLength(4);
    for (const { id, line } of lines) expect(ids.get(id)).toBe(line);
  });

  it('reads its input', async () => {
    await expect(runnerWith().run(['cat'], { input: 'text', stdout: 'capture' })).resolves.toMatchObject({
      stdout: 'text',
    });
  });
});

describe('a failure', () => {
  it('says exit code, last lines and how to run it again', async () => {
    const work = runnerWith().run(['sh', '-c', 'echo why; exit 4']);
    await expect(work).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'sh ended with exit code 4.',
      hint: `Its last lines:\nwhy\nTo run it again: cd ${folder} && sh -c 'echo why; exit 4'`,
      data: { commandId: 1, lastOutput: 'why' },
    });
    expect(events.at(-1)).toMatchObject({ kind: 'command-finished', id: 1, exitCode: 4, ok: false });
  });

  it('names a program that is not there', async () => {
    await expect(runnerWith().run(['no-such-program'])).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  });

  it('names a folder that is not there', async () => {
    const work = runnerWith().run(['true'], { cwd: join(folder, 'gone') });
    await expect(work).rejects.toMatchObject({ code: 'COMMAND_FOLDER_MISSING' });
  });

  it('names the signal that killed it', async () => {
    await expect(runnerWith().run(['sh', '-c', 'kill -9 $$'])).rejects.toMatchObject({
      message: 'sh ended with signal SIGKILL.',
    });
  });

  it('shows the public form of a command with a secret', async () => {
    const work = runnerWith().run(['sh', '-c', 'exit 1', 'hunter2'], { shownAs: ['sh', '...'] });
    const error = await work.catch((thrown: Error & { hint: string }) => thrown);
    expect(JSON.stringify([events, error])).not.toContain('hunter2');
  });
});

describe('stopping', () => {
  /** A program with a child, both of which ignore SIGTERM if told so. */
  const stubborn = async (ignore: boolean): Promise<[string, ...string[]]> => {
    const script = join(folder, 'program.sh');
    const trap = ignore ? `trap '' TERM` : ':';
    await writeFile(
      script,
      `${trap}\n(${trap}; echo $$ > /dev/null; sh -c 'echo $PPID' > child; sleep 60) &\necho $$ > parent\nwait\n`,
    );
    return ['sh', script];
  };

  it('ends a command that runs too long, with its children', async () => {
    const work = runnerWith().run(await stubborn(false), { timeoutMs: 300 });
    await expect(work).rejects.toMatchObject({ code: 'COMMAND_TIMED_OUT' });
    expect(await isAlive(Number(await waitForFile('parent')))).toBe(false);
    expect(await isAlive(Number(await waitForFile('child')))).toBe(false);
  });

  it('kills what does not follow SIGTERM', async () => {
    const controller = new AbortController();
    const work = runnerWith(controller.signal, 200).run(await stubborn(true));
    const parent = Number(await waitForFile('parent'));
    controller.abort(slipwayError('INTERRUPTED', { signal: 'SIGINT' }));
    await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await isAlive(parent)).toBe(false);
  });

  it('rejects, and does not throw, when started after an interrupt', async () => {
    const controller = new AbortController();
    controller.abort(slipwayError('INTERRUPTED', { signal: 'SIGTERM' }));
    await expect(runnerWith(controller.signal).run(['true'])).rejects.toThrow('Interrupted by SIGTERM');
  });
});

describe('a pipeline', () => {
  it('connects streams', async () => {
    const runner = runnerWith();
    const first = runner.start(['sh', '-c', 'echo b; echo a']);
    const second = runner.start(['sort']);
    first.stdin.end();
    first.stdout.pipe(second.stdin);
    const chunks: Buffer[] = [];
    second.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await Promise.all([first.done, second.done]);
    expect(Buffer.concat(chunks).toString()).toBe('a\nb\n');
  });
});
