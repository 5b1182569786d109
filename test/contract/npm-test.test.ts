import { describe, expect, test } from '@jest/globals';
import { parseTestRequest } from '../run/arguments.ts';
import { groupLayers, layers, selectLayers } from '../run/layers.ts';
import { isGreen, sumTallies, tallyText } from '../run/tally.ts';
import { root, sourceFiles } from './source-files.ts';

const parse = (...argv: string[]) => parseTestRequest(argv, root, root);

describe('the words after npm test --', () => {
  test('none means everything', () => {
    expect(parse()).toEqual({ fast: false, paths: [], jestArgs: [], unknown: [] });
  });

  test('a path of tests, or of the code that they test', () => {
    expect(parse('test/lib/log', './test/lib/version/', 'lib/process').paths).toEqual([
      'test/lib/log',
      'test/lib/version',
      'test/lib/process',
    ]);
  });

  test('options and their values go to jest', () => {
    expect(parse('-t', 'lib', '--bail', 'test/lib/log')).toMatchObject({
      jestArgs: ['-t', 'lib', '--bail'],
      paths: ['test/lib/log'],
    });
  });

  test('a path that is not there is named', () => {
    expect(parse('test/lib/no-such', '/etc').unknown).toEqual(['test/lib/no-such', '/etc']);
  });
});

describe('layers', () => {
  test('run fast ones first, and only fast ones do without the machine', () => {
    expect(layers.map(({ name, usesHost }) => [name, usesHost])).toEqual([
      ['fast', false],
      ['integration', true],
      ['conformance', true],
      ['e2e', true],
      ['bench', true],
    ]);
  });

  test('run one after the other, but for the two that leave the machine half idle', () => {
    const groups = (path: string) => groupLayers(selectLayers([path])).map((group) => group.map(({ name }) => name));
    expect(groups('test')).toEqual([['fast'], ['integration'], ['conformance', 'e2e']]);
    expect(groups('test/conformance')).toEqual([['conformance']]);
  });

  test('are chosen by path', () => {
    const chosen = (path: string) => selectLayers([path]).map(({ name }) => name);
    expect(chosen('test/lib/log')).toEqual(['fast']);
    expect(chosen('test/integration/container.test.ts')).toEqual(['integration']);
    expect(chosen('test')).toEqual(['fast', 'integration', 'conformance', 'e2e']);
    expect(chosen('test/bench')).toEqual(['bench']);
  });

  test('have every test file of the project', () => {
    const folders = layers.flatMap((layer) => layer.folders);
    const lost = sourceFiles('{test,lib,ci-automation}/**/*.test.ts').filter(
      ({ path }) => !folders.some((folder) => path.startsWith(`${folder}/`)),
    );
    expect(lost.map(({ path }) => path)).toEqual([]);
  });
});

describe('the last line', () => {
  test('is the sum; skipped tests are named when there are any', () => {
    const some = { passed: 2, failed: 1, skipped: 0 };
    expect(tallyText(sumTallies([some, { passed: 3, failed: 0, skipped: 0 }]))).toBe('5 passed, 1 failed');
    expect(tallyText(sumTallies([some, { passed: 0, failed: 0, skipped: 4 }]))).toBe('2 passed, 1 failed, 4 skipped');
  });

  test('nothing at all is not green', () => {
    expect([isGreen(sumTallies([])), isGreen({ passed: 1, failed: 0, skipped: 9 })]).toEqual([false, true]);
    expect(isGreen({ passed: 1, failed: 1, skipped: 0 })).toBe(false);
  });
});
