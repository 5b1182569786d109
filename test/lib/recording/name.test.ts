import { describe, expect, test } from '@jest/globals';
import { makeRecordingName, parseRecordingName, resultBeside } from '../../../lib/recording/index.ts';

const at = new Date('2026-11-28T17:01:06.123Z');

describe('names of recordings', () => {
  test('say when and what, and are read back', () => {
    const name = makeRecordingName('image-amd64', at);
    expect(name).toMatch(/^20261128T170106123Z-image-amd64-[0-9a-f]{8}\.jsonl$/);
    expect(parseRecordingName(name)).toEqual({ startedAt: '2026-11-28T17:01:06.123Z', step: 'image-amd64' });
  });

  test('are never the same, and sort by time', () => {
    const names = [makeRecordingName('b', at), makeRecordingName('b', at)];
    expect(new Set(names).size).toBe(2);
    const later = makeRecordingName('a', new Date(at.getTime() + 1));
    expect(names.every((name) => name < later)).toBe(true);
  });

  test('never lead out of the folder', () => {
    expect(makeRecordingName('../../x y', at)).toMatch(/^[\dTZ]+-\.\._\.\._x_y-[0-9a-f]{8}\.jsonl$/);
  });

  test('other names are none', () => {
    for (const name of ['image-amd64.json', '20261128T170106123Z-image-0123abcd.result.json', 'x.jsonl', '']) {
      expect(parseRecordingName(name)).toBeUndefined();
    }
  });

  test('the result is beside', () => {
    expect(resultBeside('/e/20261128T170106123Z-image-0123abcd.jsonl')).toBe(
      '/e/20261128T170106123Z-image-0123abcd.result.json',
    );
    expect(resultBeside('/e/step.log')).toBe('/e/step.log.result.json');
  });
});
