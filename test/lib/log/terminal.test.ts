import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLog, createMask, type Log } from '../../../lib/log/index.ts';
import { terminalSink } from '../../../lib/log/terminal/terminal-sink.ts';
import { displayWidth, truncate } from '../../../lib/log/terminal/width.ts';
import { fc } from '../../helpers/fast-check.ts';
import { createTestScreen, type TestScreen } from '../../helpers/screen.ts';

let screen: TestScreen;
let log: Log;
let nowMs = 0;
let writes = 0;
let waiting: { readonly atMs: number; readonly work: () => void } | undefined;

/** The clock of the test; only {@link pass} moves it. */
const clock = {
  now: () => nowMs,
  later(ms: number, work: () => void) {
    const entry = { atMs: nowMs + ms, work };
    waiting = entry;
    return () => {
      if (waiting === entry) waiting = undefined;
    };
  },
};

/** Time goes by. */
const pass = (ms: number): void => {
  const endMs = nowMs + ms;
  for (; waiting && waiting.atMs <= endMs; ) {
    const { atMs, work } = waiting;
    waiting = undefined;
    nowMs = atMs;
    work();
  }
  nowMs = endMs;
};

const open = (columns: number, rows: number, secrets: readonly string[] = []): void => {
  screen = createTestScreen(columns, rows);
  nowMs = 1_000_000;
  writes = 0;
  waiting = undefined;
  const write = (text: string): void => {
    writes += 1;
    screen.write(text);
  };
  const mask = createMask(secrets);
  log = createLog(
    terminalSink(write, () => screen, mask, clock),
    clock.now,
    mask,
  );
};

beforeEach(() => open(80, 24));
afterEach(() => screen.dispose());

/** A phase that the test ends. */
const startPhase = (name: string, inside: (end: () => void) => Promise<void> | void = () => {}) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = log.phase(name, async () => {
    await inside(resolve);
    await promise;
  });
  return { end: resolve, done };
};

describe('the live view', () => {
  it('is a tree of what runs, with elapsed times, and the last line of each command', async () => {
    let first: { output(line: string): void } | undefined;
    const inner: { end: () => void; done: Promise<void> }[] = [];
    const outer = startPhase('build the packages', () => {
      inner.push(
        startPhase('one', () => {
          first = log.command(['make', '-C', 'a b'], '/');
        }),
      );
      inner.push(startPhase('two'));
    });
    first?.output('compiling x.c');
    first?.output('  linking  x  ');
    first?.output('');
    pass(75_500);
    expect(await screen.seen()).toEqual([
      '-> build the packages  1 min 15 s',
      '  -> one  1 min 15 s',
      "    $ make -C 'a b'  1 min 15 s",
      '      linking x',
      '  -> two  1 min 15 s',
    ]);
    for (const { end } of inner) end();
    outer.end();
    await Promise.all([outer.done, ...inner.map(({ done }) => done)]);
  });

  it('has a bar for each transfer, with rate and time left', async () => {
    const phase = startPhase('fetch', () => {
      const known = log.progress('download a', 4 * 1024 * 1024);
      const unknown = log.progress('download b');
      pass(1000);
      known.advance(1024 * 1024);
      unknown.advance(2048);
    });
    pass(50);
    expect(await screen.seen()).toEqual([
      '-> fetch  1 s',
      '  █████░░░░░░░░░░░░░░ 25% download a: 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3.0 s left',
      '  download b: 2.0 KiB, 2.0 KiB/s',
    ]);
    phase.end();
    await phase.done;
  });

  it('leaves plain lines of what is over, and nothing else', async () => {
    const work = log.phase('build', async () => {
      const command = log.command(['./build_image'], '/');
      command.output('working');
      pass(2000);
      command.finish({ exitCode: 3, signal: undefined, ok: false, durationMs: 2000 });
      log.warn('odd');
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    log.emit({ kind: 'error', code: 'X', message: 'It broke.' });
    const lines = ['  $ ./build_image (exit code 3, 2.0 s)', '  warning: odd', '<- build: failed (2.0 s)'];
    expect(await screen.all()).toEqual([...lines, 'error X: It broke.']);
  });

  it('draws at most 30 pictures per second, however much is printed', async () => {
    const phase = startPhase('noisy');
    const command = log.command(['yes'], '/');
    const before = writes;
    for (let at = 0; at < 10_000; at += 1) {
      if (at % 100 === 0) pass(10);
      command.output(`line ${at}`);
    }
    // One second went by.
    expect(writes - before).toBeLessThanOrEqual(31);
    expect(writes - before).toBeGreaterThan(20);
    pass(100);
    expect(await screen.seen()).toContain('  line 9999');
    phase.end();
    await phase.done;
  });

  it('writes nothing when there is nothing new to see', async () => {
    const phase = startPhase('quiet');
    const command = log.command(['x'], '/');
    pass(500);
    const before = writes;
    for (let at = 0; at < 5; at += 1) {
      pass(50);
      command.output(' ');
    }
    expect(writes).toBe(before);
    phase.end();
    await phase.done;
  });

  it('keeps secrets that are cut off at the edge hidden', async () => {
    open(24, 10, ['correct-horse-battery']);
    const phase = startPhase('x');
    log.command(['login', '--with', 'correct-horse-battery'], '/');
    pass(100);
    expect((await screen.seen()).join('\n')).not.toContain('corr');
    expect((await screen.seen()).join('\n')).toContain('***');
    phase.end();
    await phase.done;
  });
});

describe('whatever a command prints', () => {
  it('cannot paint, move the cursor, or take more columns than there are', async () => {
    open(20, 10);
    const phase = startPhase('p');
    const command = log.command(['x'], '/');
    const nasty = [
      '\u001b[2J\u001b[Hcleared',
      '\u001b]0;title\u0007titled',
      '漢字漢字漢字漢字漢字漢字漢字漢字',
      '\u009b31mred\u0007\b\b\b\u0000',
      'e\u0301'.repeat(40),
      '👩‍👩‍👧‍👦'.repeat(10),
      'tab\tand\u000bmore',
      'x'.repeat(100_000),
    ];
    for (const line of nasty) {
      command.output(line);
      pass(40);
      const lines = await screen.seen();
      expect(lines).toHaveLength(3);
      expect(lines.slice(0, 2)).toEqual([expect.stringMatching(/^-> p/), expect.stringMatching(/^\$ x/)]);
      expect(displayWidth(lines[2] ?? '')).toBeLessThan(20);
    }
    expect(await screen.all()).toHaveLength(3);
    phase.end();
    await phase.done;
  });
});

describe('the size of the terminal', () => {
  it('may be tiny: what there is no room for is counted', async () => {
    open(30, 6);
    const phases = Array.from({ length: 9 }, (_, at) => startPhase(`phase ${at}`));
    pass(100);
    expect(await screen.seen()).toEqual(['-> phase 0', '-> phase 1', '-> phase 2', '… and 6 more']);
    for (const { end, done } of phases) {
      end();
      await done;
    }
  });

  it('may change: the view is drawn anew, and nothing of the old one stays', async () => {
    const phase = startPhase('a phase with a name that is longer than the window will be');
    log.command(['some', 'program', 'with', 'quite', 'a', 'lot', 'of', 'arguments'], '/').output('its last line');
    pass(100);
    for (const [columns, rows] of [
      [30, 10],
      [100, 30],
      [20, 12],
      [80, 24],
    ] as const) {
      await screen.seen();
      screen.resize(columns, rows);
      pass(1100);
      const lines = await screen.all();
      expect(lines.map((line) => line.slice(0, 6))).toEqual(['-> a p', '$ some', '  its ']);
    }
    phase.end();
    await phase.done;
  });
});

describe('widths', () => {
  it.each([
    ['abc', 3],
    ['日本語', 6],
    ['e\u0301', 1],
    ['█░…', 3],
    ['', 0],
  ])('%s takes %d columns', (text, width) => expect(displayWidth(text)).toBe(width));

  it('what is cut fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
        const cut = truncate(text, columns);
        expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
        expect(cut === text || text.startsWith(cut.slice(0, -1))).toBe(true);
      }),
    );
  });
});
