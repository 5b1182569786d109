import { describe, expect, it } from '@jest/globals';
import {
  createLog,
  createMask,
  formatBytes,
  formatCommand,
  formatDuration,
  jsonSink,
  type LogEvent,
  textSink,
} from '../../../lib/log/index.ts';

const noMask = createMask([]);

const textOf = (isTerminal: boolean, events: readonly LogEvent[]): string => {
  let text = '';
  const sink = textSink({ write: (part) => (text += part), isTerminal, columns: 100 }, noMask);
  for (const event of events) sink(event);
  return text;
};

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [20 * 1024 ** 2, '20 MiB'],
    [3.25 * 1024 ** 4, '3.3 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [12, '12 ms'],
    [1500, '1.5 s'],
    [75_300, '1 min 15 s'],
    [119_900, '2 min 0 s'],
  ])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('quotes what a shell would change', () => {
    expect(formatCommand(['git', 'commit', '-m', "it's", '$x', ''])).toBe(`git commit -m 'it'\\''s' '$x' ''`);
  });
});

describe('phases', () => {
  it('nest, are timed, and say how they ended', async () => {
    const events: LogEvent[] = [];
    let ms = 0;
    const log = createLog(
      (event) => events.push(event),
      () => (ms += 10),
    );
    const failing = log.phase('outer', () => log.phase('inner', () => Promise.reject(new Error('no'))));
    await expect(failing).rejects.toThrow('no');
    expect(events.map((event) => ('depth' in event ? [event.kind, event.phase, event.depth] : []))).toEqual([
      ['phase-started', 'outer', 0],
      ['phase-started', 'inner', 1],
      ['phase-finished', 'inner', 1],
      ['phase-finished', 'outer', 0],
    ]);
    expect(events.at(-1)).toMatchObject({ outcome: 'failed' });
  });

  it('have IDs of their own, which what happens in them names', async () => {
    const events: LogEvent[] = [];
    const log = createLog((event) => events.push(event));
    log.info('before');
    await log.phase('outer', async () => {
      const command = log.command(['true'], '/');
      const progress = log.progress('x');
      await log.phase('inner', async () => log.warn('in the inner one'));
      // Of the phase that they were started in, wherever they are told from.
      await log.phase('another', async () => {
        command.output('line');
        command.finish({ exitCode: 0, signal: undefined, ok: true, durationMs: 1 });
        progress.finish();
      });
      log.emit({ kind: 'facts', values: { version: '1' } });
    });
    const places = events.map((event) => {
      const { kind } = event;
      if (kind === 'phase-started' || kind === 'phase-finished') return `${kind} ${event.id} in ${event.parent}`;
      return `${kind} ${'id' in event ? event.id : '-'} in ${event.phase}`;
    });
    expect(places).toEqual([
      'info - in undefined',
      'phase-started 1 in undefined',
      'command-started 2 in 1',
      'phase-started 4 in 1',
      'warning - in 4',
      'phase-finished 4 in 1',
      'phase-started 5 in 1',
      'command-output 2 in 1',
      'command-finished 2 in 1',
      'progress 3 in 1',
      'phase-finished 5 in 1',
      'facts - in 1',
      'phase-finished 1 in undefined',
    ]);
  });
});

describe('phases side by side', () => {
  it('are not inside each other, and what they print goes below them', async () => {
    const ready = Promise.withResolvers<void>();
    let text = '';
    const log = createLog(textSink({ write: (part) => (text += part), isTerminal: false }, noMask), () => 0);
    await log.phase('outer', () =>
      Promise.all([
        log.phase('a', () => ready.promise),
        log.phase('b', async () => {
          ready.resolve();
          await ready.promise;
          log.info('in b');
        }),
      ]),
    );
    log.info('after');
    const lines = text.replaceAll(/ \(.*\)/g, '').split('\n');
    expect(lines.slice(0, 3)).toEqual(['-> outer', '  -> a', '  -> b']);
    expect(lines.filter((line) => !/<- [ab]/.test(line)).slice(3)).toEqual(['    in b', '<- outer: done', 'after', '']);
    expect(lines.filter((line) => /<- [ab]/.test(line)).toSorted()).toEqual(['  <- a: done', '  <- b: done']);
  });
});

describe('the text log', () => {
  const progress = (doneBytes: number, durationMs: number, finished = false): LogEvent => ({
    kind: 'progress',
    id: 1,
    label: 'upload x',
    doneBytes,
    totalBytes: 4096,
    durationMs,
    finished,
  });

  it('draws a bar on a terminal', () => {
    const text = textOf(true, [progress(1024, 1000)]);
    expect(text).toContain('25% upload x: 1.0 KiB of 4.0 KiB, 1.0 KiB/s, 3.0 s left');
  });

  it('writes plain lines, few of them and without control characters, to a file', () => {
    const text = textOf(false, [
      progress(1024, 1000),
      progress(2048, 11_000),
      progress(3072, 12_000),
      progress(4096, 13_000, true),
    ]);
    expect(text.split('\n')).toEqual([
      'upload x: 2.0 KiB of 4.0 KiB, 186 B/s',
      'upload x: 4.0 KiB of 4.0 KiB, 315 B/s',
      '',
    ]);
  });

  it('shows message and hint of an error, and asks for a report of a bug', () => {
    const error: LogEvent = { kind: 'error', code: 'X', message: 'It broke.', hint: 'Mend it.\nOr not.' };
    expect(textOf(false, [error])).toBe('error X: It broke.\n  Mend it.\n  Or not.\n');
    expect(textOf(false, [{ ...error, stack: 'at line 1' }])).toContain('This is a bug in Slipway');
  });
});

describe('what was not done again, or is done again', () => {
  it('is one line each', () => {
    const events: LogEvent[] = [
      {
        kind: 'cache-hit',
        what: 'artifact',
        path: 'images/x',
        reason: 'it is here already and verifies',
        sizeBytes: 2048,
      },
      { kind: 'cache-hit', what: 'container image', path: 'sdk:1' },
      { kind: 'cache-miss', what: 'nightly build', path: 'main-1.2.3', reason: 'no earlier build is tagged' },
      { kind: 'retry', what: 'cache.test, upload', attempt: 1, tries: 6, delayMs: 500, reason: 'it was cut' },
      // Numbers for programs; people have seen the bar.
      { kind: 'transfer', direction: 'up', what: 'x', movedBytes: 1, reusedBytes: 2, durationMs: 3 },
      { kind: 'facts', values: { version: '1.2.3' } },
    ];
    expect(textOf(false, events).split('\n')).toEqual([
      'artifact images/x: it is here already and verifies (2.0 KiB)',
      'container image sdk:1: it is here',
      'nightly build main-1.2.3: no earlier build is tagged',
      'warning: cache.test, upload: it was cut; trying again in 500 ms (try 2)',
      '',
    ]);
  });
});

describe('a failure', () => {
  const command = { id: 3, command: ['docker', 'load'], cwd: '/work', lastOutput: 'one\ntwo\n' };

  it('shows the last lines of the command and how to run it again, unless its hint does, then the likely cause', () => {
    const error: LogEvent = {
      kind: 'error',
      code: 'X',
      message: 'It broke.',
      command,
      cause: 'A disk is full.',
      fix: 'Free it.',
      rerun: 'cd /work && image.ts amd64',
    };
    const ending = [
      '  Likely cause: A disk is full.',
      '  What to do: Free it.',
      '  To run the step again: cd /work && image.ts amd64',
      '',
    ];
    expect(textOf(false, [error]).split('\n')).toEqual([
      'error X: It broke.',
      '  The last lines of docker:',
      '    one',
      '    two',
      '  To run the command again: cd /work && docker load',
      ...ending,
    ]);
    const hint = 'Its last lines:\none\ntwo\nTo run it again: cd /work && docker load';
    const shown = textOf(false, [{ ...error, hint }]).split('\n');
    expect(shown).toEqual(['error X: It broke.', ...hint.split('\n').map((line) => `  ${line}`), ...ending]);
  });
});

describe('secrets', () => {
  it('are masked in every sink, plain, URL-encoded and base64', () => {
    const mask = createMask(['p@ss word']);
    let out = '';
    const sinks = [
      jsonSink((line) => (out += line), mask),
      textSink({ write: (text) => (out += text), isTerminal: false }, mask),
    ];
    const text = `p@ss word ${encodeURIComponent('p@ss word')} ${Buffer.from('p@ss word').toString('base64')}`;
    for (const sink of sinks) sink({ kind: 'info', text });
    expect(out).not.toMatch(/p@ss|p%40ss|cEBzcyB3b3Jk/);
    expect(out).toContain('***');
  });

  it('that turn up later are hidden from then on, also with characters that JSON writes in another way', () => {
    const mask = createMask([]);
    let out = '';
    const log = createLog(
      jsonSink((line) => (out += line), mask),
      Date.now,
      mask,
    );
    log.hide(['say "hi"']);
    log.info('say "hi"');
    expect(out).not.toContain('hi');
    expect(JSON.parse(out)).toMatchObject({ text: '***' });
  });

  it('given as arguments of traced commands are hidden although nobody knows them, and the rest stays', () => {
    const mask = createMask([]);
    expect(mask('+ kola run --hetzner-token=abc --x \'y\' --api-secret "de" --size=2')).toBe(
      '+ kola run --hetzner-token=*** --x \'y\' --api-secret "***" --size=2',
    );
    expect(JSON.parse(mask(JSON.stringify({ line: '--a-token=abc' })))).toEqual({ line: '--a-token=***' });
  });
});
