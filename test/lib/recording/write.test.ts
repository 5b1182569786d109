import { chmodSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createLog, createMask, type LogEvent } from '../../../lib/log/index.ts';
import {
  createRecording,
  listRecordings,
  makeRecordingName,
  pruneRecordings,
  type RecordingOptions,
  resultBeside,
} from '../../../lib/recording/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

const started: LogEvent = {
  kind: 'step-started',
  schema: 1,
  step: 'image',
  args: ['amd64'],
  cwd: '/tree',
  plan: false,
};

const record = (folder: string, more: Partial<RecordingOptions> = {}) => {
  const troubles: string[] = [];
  const mask = createMask(['a-secret']);
  const recording = createRecording({
    ...{ folder, step: 'image-amd64', run: '', mask, now: () => new Date('2026-11-28T17:00:00Z') },
    onTrouble: (text) => troubles.push(text),
    ...more,
  });
  return { recording, mask, troubles, lines: () => readFileSync(recording.file() ?? '', 'utf8').split('\n') };
};

const kindsOf = (lines: readonly string[]): string[] =>
  lines.filter(Boolean).map((line) => (JSON.parse(line) as { kind: string }).kind);

describe('a recording', () => {
  test('begins with the step, knows its run, and has what was said before', () => {
    const { recording, lines } = record(join(makeFolder(), 'a/b'), { run: 'build-7' });
    recording.sink({ kind: 'warning', text: 'early' });
    expect(recording.file()).toBeUndefined();
    recording.sink(started);
    recording.close();
    expect(kindsOf(lines())).toEqual(['recording', 'warning', 'step-started']);
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      schema: 1,
      step: 'image-amd64',
      run: 'build-7',
      owner: expect.stringContaining(`-${process.pid}-`),
    });
  });

  test('each event is in the file at once, output of commands when the event loop has gone round', async () => {
    const { recording, lines } = record(makeFolder());
    recording.sink(started);
    expect(kindsOf(lines())).toEqual(['recording', 'step-started']);
    const before = lines().length;
    for (let id = 1; id <= 1000; id += 1)
      recording.sink({ kind: 'command-output', id: 1, program: 'make', line: `line ${id}` });
    expect(lines()).toHaveLength(before);
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines()).toHaveLength(before + 1000);
    recording.sink({ kind: 'command-output', id: 1, program: 'make', line: 'last' });
    recording.sink({ kind: 'info', text: 'and then' });
    expect(
      lines()
        .slice(-3)
        .map((line) => line && (JSON.parse(line) as { line?: string; text?: string })),
    ).toMatchObject([{ line: 'last' }, { text: 'and then' }, '']);
    recording.close();
  });

  test('secrets are masked, also those that turn up later', () => {
    const { recording, mask, lines } = record(makeFolder());
    const log = createLog(recording.sink, Date.now, mask);
    log.emit({ ...started, args: ['a-secret'] });
    log.hide(['late-secret']);
    log.info('a-secret and late-secret');
    recording.close();
    expect(lines().join('\n')).not.toMatch(/a-secret|late-secret/);
    expect(lines().join('\n')).toContain('*** and ***');
  });

  test('of a transfer there is a line a second, and its end', () => {
    const { recording, lines } = record(makeFolder());
    recording.sink(started);
    for (let ms = 0; ms <= 5000; ms += 200) {
      recording.sink({ kind: 'progress', id: 3, label: 'x', doneBytes: ms, durationMs: ms, finished: ms === 5000 });
    }
    recording.close();
    const times = lines()
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogEvent & { durationMs?: number })
      .filter(({ kind }) => kind === 'progress');
    expect(times.map(({ durationMs }) => durationMs)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
  });

  test('a log without end does not fill the disk; all but output goes on', () => {
    const { recording, lines } = record(makeFolder(), { maxBytes: 5000 });
    recording.sink(started);
    for (let id = 1; id <= 1000; id += 1)
      recording.sink({ kind: 'command-output', id: 1, program: 'yes', line: 'yes' });
    recording.sink({ kind: 'step-finished', step: 'image', outcome: 'done', exitCode: 0, durationMs: 1 });
    recording.close();
    expect(lines().length).toBeLessThan(70);
    expect(kindsOf(lines()).slice(-3)).toEqual(['command-output', 'warning', 'step-finished']);
  });

  test('a folder that cannot be made is one warning, and the step goes on', () => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'file'), '');
    const { recording, troubles } = record(join(folder, 'file/events'));
    recording.sink(started);
    recording.sink({ kind: 'info', text: 'x' });
    recording.close();
    expect(recording.file()).toBeUndefined();
    expect(troubles).toEqual([expect.stringMatching(/not recorded any more.*ENOTDIR/)]);
  });
});

describe('old recordings', () => {
  const fill = (folder: string, count: number, size = 1): string[] =>
    Array.from({ length: count }, (_, index) => {
      const file = join(folder, makeRecordingName('image', new Date(Date.UTC(2026, 0, 1) + index * 1000)));
      writeFileSync(file, 'x'.repeat(size));
      writeFileSync(resultBeside(file), '{}');
      return file;
    });

  test('go with their results when there are too many, oldest first; other files stay', () => {
    const folder = makeFolder();
    const files = fill(folder, 5);
    writeFileSync(join(folder, 'mine.txt'), '');
    chmodSync(join(folder, 'mine.txt'), 0o444);
    // What counts is when the step started, not when the file was copied.
    utimesSync(files[0] ?? '', new Date(), new Date());
    pruneRecordings(folder, { count: 3, bytes: 1000 });
    expect(listRecordings(folder).map(({ file }) => file)).toEqual(files.slice(-2));
    expect(readdirSync(folder)).toHaveLength(5);
  });

  test('go when they are too big', () => {
    const folder = makeFolder();
    const files = fill(folder, 4, 100);
    pruneRecordings(folder, { count: 100, bytes: 250 });
    expect(listRecordings(folder).map(({ file }) => file)).toEqual(files.slice(-2));
  });

  test('go whenever a new one begins', () => {
    const folder = makeFolder();
    fill(folder, 130);
    const { recording } = record(folder);
    recording.sink(started);
    recording.close();
    expect(listRecordings(folder)).toHaveLength(120);
    expect(listRecordings(folder).at(-1)?.file).toBe(recording.file());
  });

  test('are found in folders below when asked for', () => {
    const folder = makeFolder();
    expect(listRecordings(join(folder, 'none'))).toEqual([]);
    fill(folder, 1);
    expect(listRecordings(join(folder, '..'), { recursive: false })).toEqual([]);
    expect(listRecordings(folder, { recursive: true })).toHaveLength(1);
  });
});
