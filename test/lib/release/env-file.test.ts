import { execFileSync } from 'node:child_process';
import { describe, expect, it, test } from '@jest/globals';
import { parseAssignments } from '../../../lib/release/env-file.ts';

/** What bash makes of the text. */
const inBash = (text: string, name: string): string =>
  execFileSync('bash', ['-c', 'eval "$2"; printf %s "${!1}"', 'bash', name, text], { encoding: 'utf8' });

const READABLE = [
  'A=plain',
  'export A="QWxhZGRpbg=="',
  "export A='it is'",
  'export  A="a b" # a comment',
  'A="two\nlines"',
  'A="a\\\nb"',
  'A="\\"quoted\\" \\$HOME \\a"',
  'A=one"two"\'three\'\\ four',
  'A=',
  'A=""',
  'A=first\nA=second',
  'B="\nA=inside\n"\nA=outside',
  'A=x;',
  '  A=indented',
  'A=$(false)\nA=plain-after-all',
  'A=arn:aws:iam::1234:role/ci_role+x@y,z%',
  '# A=commented\nA=real',
];

test.each(READABLE)('%j is read as bash reads it', (text) => {
  const { values, unreadable } = parseAssignments(text);
  expect(values.get('A')).toBe(inBash(text, 'A'));
  expect([...unreadable.keys()]).toEqual([]);
});

describe('a value that only a shell could tell', () => {
  test.each([
    'A=$(id)',
    'A="$HOME"',
    'A=`id`',
    'A="x${B}"',
    "A=$'x'",
    'A=(1 2)',
    'A="no end',
    'A=x y',
    'A=x & id',
    'A=~/x',
  ])('%j is named and not read', (text) => {
    const { values, unreadable } = parseAssignments(`\n${text}\n`);
    expect(values.has('A')).toBe(false);
    expect(unreadable.get('A')).toBe(2);
  });

  it('is never run', () => {
    parseAssignments('A=$(touch /tmp/slipway-was-executed)');
    expect(() => execFileSync('test', ['-e', '/tmp/slipway-was-executed'])).toThrow();
  });
});
