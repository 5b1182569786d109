import { appendFileSync, chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openRecording, type RecordingReader } from '../../../lib/recording/index.ts';
import { finished, recordingText, started, writeRecording } from '../../helpers/recordings.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

const readAll = async (reader: RecordingReader): Promise<string[]> => {
  const kinds: string[] = [];
  for await (const { recorded } of reader.readMore()) kinds.push(recorded.event.kind);
  return kinds;
};

test('a file that grows is read on from where it ended, also from within a line and a character', async () => {
  const file = join(makeFolder(), 'x.jsonl');
  const bytes = Buffer.from(
    recordingText([
      [0, started('image')],
      [1, { kind: 'info', text: 'größer — 🚀' }],
      [2, finished('image')],
    ]),
  );
  writeFileSync(file, '');
  const reader = await openRecording(file);
  const kinds: string[] = [];
  for (let at = 0; at < bytes.length; at += 5) {
    appendFileSync(file, bytes.subarray(at, at + 5));
    kinds.push(...(await readAll(reader)));
  }
  expect(kinds).toEqual(['recording', 'step-started', 'info', 'step-finished']);
  expect(reader.hasPartOfLine()).toBe(false);
  await reader.close();
}, 30_000);

test('lines of any length and number', async () => {
  const line = (index: number) =>
    ({
      kind: 'command-output',
      id: 1,
      program: 'x',
      line: `${index} ${'y'.repeat(index % 7 === 0 ? 300_000 : 10)}`,
    }) as const;
  const events = Array.from({ length: 50 }, (_, index) => [index, line(index)] as const);
  const reader = await openRecording(writeRecording(makeFolder(), events));
  expect(await readAll(reader)).toHaveLength(51);
  await reader.close();
});

test('a last line that broke off is left out, and known of', async () => {
  const file = writeRecording(makeFolder(), [
    [0, started('image')],
    [1, finished('image')],
  ]);
  truncateSync(
    file,
    recordingText([
      [0, started('image')],
      [1, finished('image')],
    ]).length - 20,
  );
  const reader = await openRecording(file);
  expect(await readAll(reader)).toEqual(['recording', 'step-started']);
  expect(reader.hasPartOfLine()).toBe(true);
  await reader.close();
});

test('a line that broke off with others after it is an error that says where', async () => {
  const file = writeRecording(makeFolder(), [[0, started('image')]]);
  appendFileSync(file, '{"time":"2026-\n');
  const reader = await openRecording(file);
  await expect(readAll(reader)).rejects.toMatchObject({ code: 'EVENTS_UNREADABLE', data: { file, line: 3 } });
  await reader.close();
});

test('what is no file is said to be none', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'folder'));
  chmodSync(folder, 0o755);
  await expect(openRecording(join(folder, 'none'))).rejects.toMatchObject({ code: 'EVENTS_MISSING' });
  await expect(openRecording(join(folder, 'folder'))).rejects.toMatchObject({ code: 'EVENTS_MISSING' });
});
