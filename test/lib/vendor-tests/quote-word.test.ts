import { execFileSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { quoteWord } from '../../../lib/vendor-tests/index.ts';

/** Every character of ASCII alone, in the middle, at the end and after the characters that matter, and whole texts. */
const WORDS = [
  '',
  ...Array.from({ length: 127 }, (_, at) => String.fromCharCode(at + 1)).flatMap((one) => [
    one,
    `a${one}`,
    `=${one}b`,
    `:${one}${one}`,
    `é${one}`,
  ]),
  'extra-test.[m4.2xlarge].cl.*',
  '$(touch x)',
  '`touch x`',
  "it's",
  '"; touch x; "',
  'ünï ✓ 😀',
  'tab\there ünï',
  '-n',
  '--',
  '\\',
  '!history',
  'a{b,c}',
  '~root',
  '\n; touch x',
];

const bash = (script: string, words: readonly string[]): string[] =>
  execFileSync('bash', ['-c', script, 'bash', ...words], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
    .split('\0')
    .slice(0, -1);

it('writes words as bash does', () => {
  expect(WORDS.map(quoteWord)).toEqual(bash(`for word; do printf '%q\\0' "$word"; done`, WORDS));
});

it('writes words that bash reads as what they are, and that do nothing', () => {
  expect(bash(`printf '%s\\0' ${WORDS.map(quoteWord).join(' ')}`, [])).toEqual(WORDS);
});
