import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { LogEvent } from '../../../lib/log/index.ts';
import { parseRecordedLine, type RecordedEvent } from '../../../lib/recording/index.ts';
import {
  buildRun,
  callOf,
  chooseNewestRun,
  KEPT_LIMITS,
  loadSteps,
  medianOf,
  parseResult,
  StepBuilder,
  type StepModel,
} from '../../../lib/report/index.ts';
import {
  deadOwner,
  finished,
  recordingText,
  START_MS,
  started,
  type TimedEvent,
  writeRecording,
} from '../../helpers/recordings.ts';
import { commandEvents, failedStep, goodStep } from '../../helpers/report-events.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

const modelOf = (
  events: readonly TimedEvent[],
  { run, isOwnerGone = false, limits = KEPT_LIMITS, file = 'x.jsonl' } = {} as {
    run?: string;
    isOwnerGone?: boolean;
    limits?: typeof KEPT_LIMITS;
    file?: string;
  },
): StepModel => {
  const builder = new StepBuilder(limits);
  for (const [line, text] of recordingText(events, { run, owner: 'o' }).split('\n').entries()) {
    const recorded = parseRecordedLine(text, { file: 'x', line });
    if (recorded) builder.add(recorded);
  }
  return builder.build({ file, isCutOff: false, isOwnerGone: () => isOwnerGone, result: undefined });
};

const at = (second: number): number => START_MS + second * 1000;

describe('the model of a step', () => {
  test('has phases, commands, bytes and all that was said of the cache', () => {
    const step = modelOf(goodStep(0));
    expect(step).toMatchObject({
      ...{ step: 'packages', args: ['amd64'], outcome: 'done', exitCode: 0, startedMs: at(0), endedMs: at(61) },
      bytes: { up: 0, down: 40_000_000, reused: 900_000_000 },
      facts: { version: '4888.0.0+nightly-20261128-1700', arch: 'amd64' },
      environment: { host: 'worker-7' },
    });
    expect(
      step.phases.map(({ name, startedMs, endedMs, bytes }) => [name, startedMs - at(0), endedMs - at(0), bytes.down]),
    ).toEqual([
      ['fetch the SDK', 1000, 4000, 40_000_000],
      ['build the packages', 4000, 60_000, 0],
    ]);
    expect(step.commands).toMatchObject([
      { id: 3, phase: 2, state: 'done', exitCode: 0, output: { lines: 3, leftOut: 0 } },
    ]);
    expect([step.hits, step.misses, step.retries, step.transfers, step.notes].map(({ length }) => length)).toEqual([
      1, 1, 1, 1, 1,
    ]);
  });

  test('bytes count for the phases around, too', () => {
    const transfer: LogEvent = {
      kind: 'transfer',
      phase: 2,
      direction: 'up',
      what: 'x',
      movedBytes: 5,
      reusedBytes: 1,
      durationMs: 1,
    };
    const step = modelOf([
      [0, started('image')],
      [1, { kind: 'phase-started', id: 1, phase: 'outer', depth: 0 }],
      [1, { kind: 'phase-started', id: 2, parent: 1, phase: 'inner', depth: 1 }],
      [2, transfer],
    ]);
    expect(step.phases.map(({ bytes }) => bytes.up)).toEqual([5, 5]);
  });

  test('of one that did not end: what was at work has no end, and goes up to the last word', () => {
    const events = failedStep(0, ['a', 'b']).filter(([second]) => second < 20);
    const step = modelOf(events);
    expect(step).toMatchObject({ outcome: 'running', exitCode: undefined });
    expect(step.commands.at(-1)).toMatchObject({ state: 'running', endedMs: step.endedMs, output: { lines: 2 } });
    expect(step.phases[0]).toMatchObject({ outcome: undefined, endedMs: step.endedMs });
    expect(modelOf(events, { isOwnerGone: true }).outcome).toBe('vanished');
  });

  test('a clock that is set back gives nothing that ends before it began', () => {
    const step = modelOf([
      [100, started('image')],
      ...commandEvents([50, 20], 1, ['make'], []),
      [10, finished('image')],
    ]);
    expect(step.endedMs).toBeGreaterThanOrEqual(step.startedMs);
    expect(step.commands.every(({ startedMs, endedMs }) => endedMs >= startedMs)).toBe(true);
  });

  test('phases that are in each other in a ring, from a damaged file, do no harm', () => {
    const step = modelOf([
      [0, started('image')],
      [1, { kind: 'phase-started', id: 1, parent: 2, phase: 'a', depth: 0 }],
      [1, { kind: 'phase-started', id: 2, parent: 1, phase: 'b', depth: 0 }],
      [2, { kind: 'transfer', phase: 1, direction: 'up', what: 'x', movedBytes: 5, reusedBytes: 0, durationMs: 1 }],
    ]);
    expect(buildRun([step], [step]).comparisons).toHaveLength(3);
  });

  test('a hundred thousand lines of a command stay small, and so do thousands of commands', () => {
    const builder = new StepBuilder();
    const add = (event: LogEvent): void => builder.add({ timeMs: START_MS, event } satisfies RecordedEvent);
    add(started('image'));
    add({ kind: 'command-started', id: 1, command: ['make'], cwd: '/' });
    for (let line = 0; line < 100_000; line += 1)
      add({ kind: 'command-output', id: 1, program: 'make', line: `line ${line}` });
    for (let id = 2; id < 4000; id += 1) {
      add({ kind: 'command-started', id, command: ['cc'], cwd: '/' });
      for (let line = 0; line < 20; line += 1) add({ kind: 'command-output', id, program: 'cc', line: 'x'.repeat(80) });
      add({ kind: 'command-finished', id, command: ['cc'], exitCode: 0, signal: undefined, ok: true, durationMs: 1 });
    }
    const { commands } = builder.build({ file: 'x', isCutOff: false, isOwnerGone: () => false, result: undefined });
    expect(commands[0]?.output).toMatchObject({ lines: 100_000, leftOut: 99_600 });
    const kept = commands.flatMap(({ output }) => [...output.head, ...output.tail]);
    expect(kept.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(6_000_000);
    expect(commands.at(-1)?.output).toMatchObject({ lines: 20, leftOut: 7 });
  });

  test('messages without end are counted', () => {
    const infos = Array.from(
      { length: 30 },
      (_, index): TimedEvent => [index, { kind: 'info', text: `note ${index}` }],
    );
    const step = modelOf([[0, started('image')], ...infos], { limits: { ...KEPT_LIMITS, events: 10 } });
    expect(step.notes.map(({ text }) => text)[0]).toBe('note 20');
    expect(step.notesLeftOut).toBe(20);
  });
});

describe('which steps are a run', () => {
  const step = (name: string, second: number, version?: string, run?: string): StepModel =>
    modelOf(
      [
        [second, started(name, 'amd64')],
        ...(version ? [[second, { kind: 'facts', values: { version } }] as const] : []),
        [second + 1, finished(name)],
      ],
      { run, file: `${name}-${second}` },
    );
  const names = (steps: readonly StepModel[]): string[] => steps.map(({ file }) => file);

  test('those of the newest version, whether it is said as a tag or as a number', () => {
    const all = [
      step('packages', 0, '1.0.0+a'),
      step('image', 10, '1.0.0+a'),
      step('packages', 20, 'main-1.0.0-b'),
      step('image', 30, '1.0.0+b'),
    ];
    const { steps, earlier } = chooseNewestRun(all);
    expect(names(steps)).toEqual(['packages-20', 'image-30']);
    expect(names(earlier)).toEqual(['packages-0', 'image-10']);
  });

  test('those that say the same run, whatever they build', () => {
    const all = [
      step('sdk', 0, '1.0.0', 'run-1'),
      step('packages', 10, '1.0.0', 'run-2'),
      step('image', 20, undefined, 'run-2'),
    ];
    expect(names(chooseNewestRun(all).steps)).toEqual(['packages-10', 'image-20']);
  });

  test('of a step that was run again the last attempt; the earlier one is not compared with', () => {
    const all = [step('packages', 0, '1.0.0'), step('image', 10, '1.0.0'), step('packages', 20, '1.0.0')];
    const { steps, earlier } = chooseNewestRun(all);
    expect(names(steps)).toEqual(['image-10', 'packages-20']);
    expect(earlier).toEqual([]);
  });

  test('a step that knew no version yet is a run of its own', () => {
    expect(names(chooseNewestRun([step('packages', 0, '1.0.0'), step('image', 10)]).steps)).toEqual(['image-10']);
    expect(chooseNewestRun([]).steps).toEqual([]);
  });

  test('calls are the same but for versions', () => {
    const call = (args: readonly string[], version = '') => callOf({ step: 'packages', args, facts: { version } });
    expect(call(['main-4888.0.0-nightly-1', 'amd64'])).toBe('packages amd64');
    expect(call(['4888.0.0+x', 'amd64'], '4888.0.0+x')).toBe('packages amd64');
    expect(call(['amd64', 'qemu'])).toBe('packages amd64 qemu');
  });
});

describe('a run', () => {
  test('is as bad as its worst step, and ends with the exit code of the first that failed', () => {
    const run = buildRun([modelOf(failedStep(100, ['x'])), modelOf(goodStep(0))], []);
    expect(run).toMatchObject({
      outcome: 'failed',
      exitCode: 1,
      version: '4888.0.0+nightly-20261128-1700',
      startedMs: at(0),
      endedMs: at(121),
    });
    expect(run.steps.map(({ step }) => step)).toEqual(['packages', 'image']);
    expect(buildRun([modelOf(goodStep(0))], [])).toMatchObject({ outcome: 'done', exitCode: 0 });
  });

  test('is compared with the middle of the last five that ended well', () => {
    const earlier = [9, 1, 1, 2, 2, 3].map((factor, index) => modelOf(goodStep(index * 1000, factor, `1.0.${index}`)));
    const bad = modelOf([
      [6000, started('packages', 'amd64')],
      [6001, finished('packages', 1)],
    ]);
    const { comparisons, earlierRuns } = buildRun([modelOf(goodStep(10_000, 2))], [...earlier, bad]);
    expect(earlierRuns).toBe(5);
    expect(comparisons.map(({ path, durationMs, movedBytes }) => [path.at(-1), durationMs, movedBytes])).toEqual([
      ['packages amd64', { now: 122_000, before: 122_000 }, { now: 80_000_000, before: 80_000_000 }],
      ['fetch the SDK', { now: 7000, before: 7000 }, { now: 80_000_000, before: 80_000_000 }],
      ['build the packages', { now: 112_000, before: 112_000 }, { now: 0, before: 0 }],
    ]);
  });

  test('the middle of nothing is nothing', () => {
    expect([medianOf([]), medianOf([3]), medianOf([4, 1]), medianOf([9, 1, 5])]).toEqual([undefined, 3, 1, 5]);
  });
});

test('runs are read from the folders of several workers, with what ran before', async () => {
  const folder = makeFolder();
  const files = [0, 1].map((worker) =>
    writeRecording(join(folder, `worker-${worker}`), worker === 0 ? goodStep(1000) : failedStep(1100, ['x'])),
  );
  writeRecording(join(folder, 'worker-0'), goodStep(0, 2, '1.0.0'));
  const { steps, earlier } = await loadSteps([folder], () => {});
  expect(steps.map(({ file }) => file)).toEqual(files);
  expect(earlier).toHaveLength(1);
  const named = await loadSteps([files[0] ?? ''], () => {});
  expect([named.steps.length, named.earlier.length]).toEqual([1, 1]);
  const killed = writeRecording(makeFolder(), [[0, started('image')]], { owner: deadOwner() });
  expect((await loadSteps([killed], () => {})).steps[0]?.outcome).toBe('vanished');
});

test('what is no result file is none', () => {
  expect(
    parseResult('{"inputs":[],"outputs":[{"path":"a","sizeBytes":1,"sha256":"x"}],"commit":"c","statement":"s"}'),
  ).toEqual({
    ...{ inputs: [], outputs: [{ path: 'a', sizeBytes: 1, sha256: 'x' }], commit: 'c', statement: 's' },
  });
  for (const text of ['', '{', '[]', '{"inputs":[]}', '{"inputs":[],"outputs":[{}]}'])
    expect(parseResult(text)).toBeUndefined();
});

test('the recordings of a real nightly that was interrupted while it published', async () => {
  const { steps, earlier } = await loadSteps([join(import.meta.dirname, '../../fixtures/events')], () => {});
  const run = buildRun(steps, earlier);
  expect(run).toMatchObject({ version: '4898.0.0+nightly-20261128-1732', outcome: 'interrupted', exitCode: 143 });
  expect(
    run.steps.map(({ step, outcome, phases, commands }) => [step, outcome, phases.length, commands.length]),
  ).toEqual([
    ['sdk_bootstrap', 'done', 4, 5],
    ['sdk_container', 'interrupted', 3, 1],
  ]);
  expect(run.steps[0]?.result?.outputs.map(({ path }) => path)).toContain(
    'sdk/amd64/4898.0.0+nightly-20261128-1732/skiff-sdk-amd64-4898.0.0+nightly-20261128-1732.tar.zst',
  );
  expect(run.steps[1]?.errors[0]?.code).toBe('INTERRUPTED');
  expect(run.steps[1]?.phases.at(-1)).toMatchObject({ name: 'publish the SDK images', outcome: 'failed' });
});
