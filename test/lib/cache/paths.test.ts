import { describe, expect, test } from '@jest/globals';
import {
  commonFolder,
  folderOf,
  foldersAbove,
  nameOf,
  urlOf,
  validateFolder,
  validatePath,
} from '../../../lib/cache/paths.ts';
import { fc } from '../../helpers/fast-check.ts';
import { ODD_NAMES } from '../../helpers/temp-files.ts';

describe('validatePath', () => {
  test.each(['a', 'images/amd64/4799.0.0+nightly-20260821-2100/x.bin', ...ODD_NAMES])('takes %s', (path) => {
    expect(validatePath(path)).toBe(path);
  });

  test.each([
    '',
    '/',
    '/etc/passwd',
    'a/',
    'a//b',
    '..',
    'a/../b',
    './a',
    'a\nb',
    'a\0b',
    'a/\u007f',
    '\ud800',
    'x'.repeat(256),
    '.staging/x',
    '.staging',
  ])('refuses %j', (path) => {
    expect(() => validatePath(path)).toThrow(expect.objectContaining({ code: 'CACHE_PATH_INVALID', kind: 'misuse' }));
  });

  test('the whole cache is a folder', () => {
    expect(validateFolder('')).toBe('');
    expect(() => validateFolder('..')).toThrow();
  });

  test('what is taken stays below any prefix, in paths and in URLs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        try {
          validatePath(path);
        } catch {
          return;
        }
        const url = new URL(urlOf('https://cache.test/base', path));
        expect(url.host).toBe('cache.test');
        expect(decodeURIComponent(url.pathname)).toBe(`/base/${path}`);
        expect(url.search + url.hash).toBe('');
      }),
    );
  });
});

test('folders and names', () => {
  expect(folderOf('a/b/c')).toBe('a/b');
  expect(folderOf('c')).toBe('');
  expect(nameOf('a/b/c')).toBe('c');
  expect(nameOf('c')).toBe('c');
  expect(foldersAbove(['a/b/c', 'a/d', 'e'])).toEqual(['a', 'a/b']);
  expect(commonFolder(['a/b/c', 'a/b/d/e'])).toBe('a/b');
  expect(commonFolder(['a/bc/c', 'a/b/e'])).toBe('a');
  expect(commonFolder(['a', 'b/c'])).toBe('');
  expect(commonFolder([])).toBe('');
});

test('a plus sign stays a plus sign in URLs', () => {
  expect(urlOf('https://c.test/', 'images/1.2.3+n-1/a b#?%')).toBe('https://c.test/images/1.2.3+n-1/a%20b%23%3F%25');
});
