import { describe, expect, test } from '@jest/globals';
import type { LogEvent } from '../../../lib/log/index.ts';
import { parseRecordedLine } from '../../../lib/recording/index.ts';
import { buildRun, renderReport, StepBuilder, type StepModel } from '../../../lib/report/index.ts';
import { finished, recordingText, started, type TimedEvent } from '../../helpers/recordings.ts';
import { commandEvents, failedStep, goodStep, HOSTILE, phaseEvents } from '../../helpers/report-events.ts';

const modelOf = (events: readonly TimedEvent[], more: Partial<StepModel> = {}): StepModel => {
  const builder = new StepBuilder();
  for (const [line, text] of recordingText(events, { owner: 'o' }).split('\n').entries()) {
    const recorded = parseRecordedLine(text, { file: 'x', line });
    if (recorded) builder.add(recorded);
  }
  return {
    ...builder.build({ file: 'x.jsonl', isCutOff: false, isOwnerGone: () => false, result: undefined }),
    ...more,
  };
};

const render = (steps: readonly StepModel[], earlier: readonly StepModel[] = []): string =>
  renderReport(buildRun(steps, earlier), {
    cacheUrl: 'https://cache.test/c',
    now: new Date(0),
    slipwayVersion: '0.1.0',
  });

const EMPTY = new Set(['meta', 'link', 'rect', 'line', '!doctype']);

/** What of the tags is not in order: an element that was never opened, is not closed, or has its name twice. */
const faultsOf = (page: string): string[] => {
  const faults: string[] = [];
  const open: string[] = [];
  const text = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>');
  for (const [, slash, name = '', self] of text.matchAll(
    /<(\/?)([!a-z][\w-]*)(?:\s[^<>"]*(?:"[^"]*"[^<>"]*)*)?(\/?)>/g,
  )) {
    if (slash) {
      const last = open.pop();
      if (last !== name) faults.push(`</${name}> closes <${last}>`);
    } else if (!self && !EMPTY.has(name)) open.push(name);
  }
  const left = text.replace(/<[/!a-z][^<>]*>/g, '').match(/[<>]/g);
  if (left) faults.push(`stray ${left.join(' ')}`);
  return [...faults, ...open.map((name) => `<${name}> is open`)];
};

const idsOf = (page: string): string[] => [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id);

describe('the page', () => {
  const failed = render(
    [modelOf(goodStep(0)), modelOf(failedStep(100, ['first line', 'no space left on device']))],
    [modelOf(goodStep(-1000, 2))],
  );

  test('has its tags in order, each name once, and links that lead somewhere', () => {
    expect(faultsOf(failed)).toEqual([]);
    const ids = idsOf(failed);
    expect(new Set(ids).size).toBe(ids.length);
    const dead = [...failed.matchAll(/href="#([^"]*)"/g)].map(([, id = '']) => id).filter((id) => !ids.includes(id));
    expect(dead).toEqual([]);
  });

  test('says first what went wrong, why, what to do, and leads to the log', () => {
    const main = failed.slice(failed.indexOf('<main'));
    expect(main.indexOf('What went wrong')).toBeLessThan(main.indexOf('>Steps<'));
    for (const text of [
      './build_image ended with exit code 7.',
      'COMMAND_FAILED',
      'The disk is full.',
      'Free some space.',
      'cd /tree &amp;&amp; image.ts amd64',
    ]) {
      expect(main).toContain(text);
    }
    expect(main).toContain('href="#step-2-command-3"');
    expect(main).toMatch(/<details id="step-2-command-3" open>/);
    expect(main.match(/<details id="step-\d-command-\d+" open>/g)).toHaveLength(1);
  });

  test('has the chart as a picture with a name and as a table', () => {
    expect(failed).toMatch(/<svg class="gantt"[^>]* role="img" aria-labelledby="gantt-title gantt-gist">/);
    expect(failed).toContain('2 steps in 2 min 1 s; the longest is packages amd64 with 1 min 1 s.');
    expect(failed).toContain('<caption>Steps and phases over time</caption>');
  });

  test('has differences to earlier runs', () => {
    expect(failed).toContain('beside the run before that ended well');
    expect(failed).toContain('−1 min 1 s (−50 %)');
  });

  test('has why misses missed, what was tried again, warnings, and what was moved', () => {
    for (const text of [
      'busybox_1.36.deb',
      'its recipe changed',
      'connection reset',
      '1 of 5',
      'busybox: the patch has fuzz',
      'block bytes: 37 MiB, requests: 12',
    ]) {
      expect(failed).toContain(text);
    }
  });

  test('has artifacts with digests, and links into the cache', () => {
    const result = {
      ...{ commit: 'c0ffee', statement: 'provenance/1/image-amd64.0123.intoto.json', inputs: [] },
      outputs: [{ path: 'images/amd64/1.0.0+a/a b.bin', sizeBytes: 2048, sha256: 'ab'.repeat(32) }],
    };
    const page = render([modelOf(goodStep(0), { result })]);
    expect(page).toContain('href="https://cache.test/c/images/amd64/1.0.0%2Ba/a%20b.bin"');
    expect(page).toContain('href="https://cache.test/c/provenance/1/image-amd64.0123.intoto.json"');
    expect(page).toContain('ab'.repeat(32));
    expect(page).toContain('2.0 KiB');
    expect(page).toContain('c0ffee');
  });

  test('of a run without any trouble has no section about it', () => {
    const page = render([
      modelOf([
        [0, started('image')],
        [5, finished('image')],
      ]),
    ]);
    expect(page).toContain('<h1>image: done</h1>');
    expect(page).not.toContain('What went wrong');
    expect(page).not.toContain('Warnings and retries');
    expect(faultsOf(page)).toEqual([]);
  });

  test('of a step that was killed says so, and opens what was running', () => {
    const events = failedStep(0, ['at work']).filter(([second]) => second < 19);
    const page = render([modelOf(events, { outcome: 'vanished' })]);
    expect(page).toContain('The step is gone and has not said how it ended.');
    expect(page).toMatch(/<details id="step-1-command-3" open>/);
  });
});

describe('what is not to be trusted', () => {
  test('stays text wherever it comes in', () => {
    const all = HOSTILE.join('\n');
    const events: TimedEvent[] = [
      [0, { ...started(all, ...HOSTILE), cwd: all } as LogEvent],
      [
        0,
        {
          kind: 'environment',
          slipway: all,
          node: all,
          host: all,
          system: all,
          arch: all,
          cpus: 1,
          memoryBytes: 1,
          engine: all,
        },
      ],
      [0, { kind: 'facts', values: { [all]: all, version: all } }],
      ...phaseEvents([1, 9], 1, all, [
        [1, { kind: 'info', phase: 1, text: all }],
        [1, { kind: 'warning', phase: 1, text: all }],
        [1, { kind: 'retry', phase: 1, what: all, attempt: 1, tries: 2, delayMs: 1, reason: all }],
        [1, { kind: 'cache-hit', phase: 1, what: 'artifact', path: all }],
        [1, { kind: 'cache-miss', phase: 1, what: 'artifact', path: all, reason: all }],
        [
          1,
          {
            kind: 'transfer',
            phase: 1,
            direction: 'up',
            what: all,
            movedBytes: 1,
            reusedBytes: 1,
            durationMs: 1,
            causes: { [all]: 3 },
          },
        ],
        ...commandEvents([2, 8], 2, [all, ...HOSTILE], HOSTILE, { phase: 1, exitCode: 1 }),
      ]),
      [
        9,
        {
          kind: 'error',
          code: all,
          message: all,
          hint: all,
          stack: all,
          cause: all,
          fix: all,
          rerun: all,
          command: { id: 2, command: [all], cwd: all, lastOutput: all },
        },
      ],
      [9, finished(all, 1)],
    ];
    const artifact = { path: HOSTILE[6], sizeBytes: 1, sha256: all };
    const page = render([
      modelOf(events, { file: all, result: { commit: all, statement: all, inputs: [artifact], outputs: [artifact] } }),
    ]);
    expect(faultsOf(page)).toEqual([]);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toMatch(/<(?:img|svg\/|base|iframe)/);
    expect(page).not.toMatch(/\son\w+="/);
    expect(page).not.toMatch(/href="javascript:/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in the page
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });
});

describe('what is very much', () => {
  test('a log of a hundred thousand lines leaves its beginning, its end and a count', () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `line ${index + 1} of many`);
    const page = render([modelOf(failedStep(0, lines))]);
    expect(page).toContain('99,600 lines are left out here');
    for (const line of ['line 1 of many', 'line 100 of many', 'line 100000 of many']) expect(page).toContain(`${line}`);
    expect(page).not.toContain('line 50000 of many');
    expect(page.length).toBeLessThan(200_000);
  });

  test('thousands of commands leave those that failed, the longest and the last', () => {
    const many = Array.from({ length: 5000 }, (_, index) =>
      commandEvents([index, index + (index === 7 ? 0.9 : 0.1)], index + 1, ['cc', `file-${index}.c`], [], {
        exitCode: index === 2000 ? 1 : 0,
      }),
    ).flat();
    const page = render([modelOf([[0, started('packages')], ...many, [5001, finished('packages', 1)]])]);
    const logs = page.slice(page.indexOf('id="logs"'));
    for (const name of ['file-7.c', 'file-2000.c', 'file-4999.c']) expect(logs).toContain(name);
    expect(logs).toMatch(/4,\d\d\d short commands that ended well are left out/);
    expect(page).toContain('Drawn are the 60 longest of 5000.');
    expect(faultsOf(page)).toEqual([]);
    const ids = new Set(idsOf(page));
    expect([...page.matchAll(/href="#([^"]*)"/g)].filter(([, id = '']) => !ids.has(id))).toEqual([]);
  });
});
