import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SlipwayError } from '../../../lib/errors/index.ts';
import { EVENT_KINDS } from '../../../lib/log/index.ts';
import { parseRecordedLine } from '../../../lib/recording/index.ts';
import { root } from '../../contract/source-files.ts';
import { fc } from '../../helpers/fast-check.ts';

const place = { file: '/e/x.jsonl', line: 7 };
const time = '2026-11-28T17:00:00.000Z';
const parse = (fields: Record<string, unknown>) => parseRecordedLine(JSON.stringify(fields), place);

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof SlipwayError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

describe('lines of recordings', () => {
  test('events come back with their time', () => {
    expect(parse({ time, kind: 'info', text: 'hello' })).toEqual({
      timeMs: Date.parse(time),
      event: { time, kind: 'info', text: 'hello' },
    });
    expect(parse({ time, kind: 'recording', schema: 1, step: 'image', owner: 'o' })?.event.kind).toBe('recording');
  });

  test('every example of the documents is read, of every kind', () => {
    const examples = [...readFileSync(join(root, 'docs/events.md'), 'utf8').matchAll(/^\{"time".*\}$/gm)].map(
      ([line]) => line,
    );
    const kinds = examples.map((line) => parseRecordedLine(line, place)?.event.kind);
    expect(new Set(kinds)).toEqual(new Set(EVENT_KINDS));
  });

  test('kinds and fields of a later Slipway are skipped, empty lines too', () => {
    expect(parse({ time, kind: 'from-the-future', text: 1 })).toBeUndefined();
    expect(parseRecordedLine('', place)).toBeUndefined();
    expect(parse({ time, kind: 'info', text: 'x', more: true })).toBeDefined();
  });

  test('a format that is not known is refused, with what is known', () => {
    for (const schema of [2, undefined, 'x']) {
      expect(codeOf(() => parse({ time, kind: 'recording', schema, step: 'image', owner: 'o' }))).toBe(
        'EVENTS_SCHEMA_UNKNOWN',
      );
      expect(codeOf(() => parse({ time, kind: 'step-started', schema, step: 'image', args: [], cwd: '/' }))).toBe(
        'EVENTS_SCHEMA_UNKNOWN',
      );
    }
  });

  test.each([
    ['{"time":"2026', 'it is not JSON'],
    ['[]', 'it is not an object'],
    ['"text"', 'it is not an object'],
    ['null', 'it is not an object'],
    ['{}', "it has no 'kind'"],
    ['{"kind":"info","text":"x"}', "its 'time' is not a time"],
    [`{"time":"${time}","kind":"info"}`, "'text' of an event 'info' is missing or not what it should be"],
    [
      `{"time":"${time}","kind":"command-started","id":1,"command":"ls","cwd":"/"}`,
      "'command' of an event 'command-started'",
    ],
    [`{"time":"${time}","kind":"recording","schema":1}`, "it does not say 'step' and 'owner'"],
    [`{"time":"${time}","kind":"step-finished","step":"a","outcome":"lost","exitCode":1,"durationMs":1}`, "'outcome'"],
  ])('%s is no event: %s', (line, reason) => {
    expect(() => parseRecordedLine(line, place)).toThrow(reason);
    expect(() => parseRecordedLine(line, place)).toThrow('/e/x.jsonl, line 7,');
  });

  test('whatever the line is, it is an event, nothing, or an error with a code', () => {
    const kinds = fc.constantFrom(...EVENT_KINDS, 'recording');
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          time: fc.constant(time),
          kind: kinds,
          id: fc.jsonValue(),
          text: fc.jsonValue(),
          command: fc.jsonValue(),
        })
        .map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(line, (text) => {
        expect(['nothing thrown', 'EVENTS_UNREADABLE', 'EVENTS_SCHEMA_UNKNOWN']).toContain(
          codeOf(() => parseRecordedLine(text, place)),
        );
      }),
    );
  });
});
