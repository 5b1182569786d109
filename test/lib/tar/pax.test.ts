import { expect, test } from '@jest/globals';
import { parsePax } from '../../../lib/tar/index.ts';
import { fc } from '../../helpers/fast-check.ts';
import { paxRecord } from '../../helpers/layer-tar.ts';

const key = fc.stringMatching(/^[A-Za-z._]{1,20}$/);

test('reads what was written, whatever is in the values', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(key, fc.string()), { selector: ([name]) => name }), (pairs) => {
      const body = Buffer.concat(pairs.map(([name, value]) => paxRecord(name, value)));
      expect([...parsePax(body)]).toEqual(pairs);
    }),
  );
});

test('the last of two counts', () => {
  expect(parsePax(Buffer.concat([paxRecord('size', '1'), paxRecord('size', '2')])).get('size')).toBe('2');
});

test.each(['', 'nonsense', '0 a=b\n', '-1 a=b\n', '1.5 a=b\n', ' a=b\n'])('%j has no records', (text) => {
  expect(parsePax(Buffer.from(text)).size).toBe(0);
});

test('what comes before the damage is read', () => {
  const body = Buffer.concat([paxRecord('path', 'abc'), Buffer.from('no length here')]);
  expect([...parsePax(body)]).toEqual([['path', 'abc']]);
});
