import { describe, expect, test } from '@jest/globals';
import {
  checkDependencies,
  type ImagePackage,
  parseControl,
  parseRelations,
  toMergedPath,
} from '../../skiff/sdk_lib/image-packages.ts';

const makePackage = (name: string, depends = '', provides = ''): ImagePackage => ({
  name,
  version: '1',
  architecture: 'amd64',
  source: name,
  origin: 'skiff',
  files: [],
  depends,
  provides,
});

describe('package metadata', () => {
  test('control data: continuation lines belong to their field', () => {
    const fields = parseControl('Package: jq\nDescription: a tool\n with more text\nVersion: 1.6-2.1\n');
    expect(fields).toEqual({ Package: 'jq', Description: 'a tool with more text', Version: '1.6-2.1' });
  });

  test('paths are those of a root where /bin and /lib are links', () => {
    expect(toMergedPath('/bin/sh')).toBe('usr/bin/sh');
    expect(toMergedPath('./lib/modules/6.1/modules.dep')).toBe('usr/lib/modules/6.1/modules.dep');
    expect(toMergedPath('/lib64/ld-linux-x86-64.so.2')).toBe('usr/lib64/ld-linux-x86-64.so.2');
    expect(toMergedPath('/etc/bin/x')).toBe('etc/bin/x');
  });

  test('relations keep names only', () => {
    expect(parseRelations('libc6 (>= 2.34), a | b:any (<< 2) , c [amd64]')).toEqual([['libc6'], ['a', 'b'], ['c']]);
    expect(parseRelations('')).toEqual([]);
  });
});

describe('dependencies of our packages', () => {
  test('are met by names, alternatives and virtual packages', () => {
    const built = [makePackage('x', 'libc6 (>= 2), mta | mailer, awk')];
    const others = [makePackage('libc6'), makePackage('mailer'), makePackage('mawk', '', 'awk (= 1)')];
    expect(() => checkDependencies(built, [...built, ...others])).not.toThrow();
  });

  test('that nothing meets are all named', () => {
    const built = [makePackage('jq', 'libonig5 (>= 6), libc6'), makePackage('less', 'libtinfo6')];
    expect(() => checkDependencies(built, built)).toThrow(
      /jq depends on libonig5\njq depends on libc6\nless depends on libtinfo6\nbut that is not in the image/,
    );
  });
});
