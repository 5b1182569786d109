import { describe, expect, test } from '@jest/globals';
import { formatControl } from '../../skiff/sdk_lib/deb-pack.ts';
import { runPool } from '../../skiff/sdk_lib/pool.ts';
import { checkRecipe } from '../../skiff/sdk_lib/recipe.ts';
import { describeChanges, makeKey } from '../../skiff/sdk_lib/recipe-key.ts';
import { expandVariables, getUpstreamVersion } from '../../skiff/sdk_lib/recipe-steps.ts';

const plain = {
  name: 'tool',
  source: { tree: 'src', version: '1.0' },
  revision: 1,
  description: 'A tool',
  license: 'MIT',
  build: [['make', '-j2']],
  install: [['make', 'install']],
};

describe('a recipe', () => {
  test('gets defaults for what it leaves out', () => {
    const recipe = checkRecipe('/tree/packages/tool', plain);
    expect(recipe).toMatchObject({ dir: '/tree/packages/tool', patches: [], check: [], 'build-depends': [] });
  });

  test.each([
    [{ ...plain, bild: [] }, 'unknown key bild'],
    [{ ...plain, license: undefined }, 'license is missing'],
    [{ ...plain, name: 'other' }, "expected the folder's name"],
    [{ ...plain, build: ['make'] }, 'build is not a list of lists of words'],
    [{ ...plain, install: [['make', 3]] }, 'install is not a list of lists of words'],
    [{ ...plain, source: { tree: 'src' } }, 'source is neither'],
  ])('with a fault is refused by name: %#', (yaml, message) => {
    expect(() => checkRecipe('/tree/packages/tool', yaml)).toThrow(message);
  });
});

describe('variables of a step', () => {
  test('refer to each other, a bare $ stays for the shell', () => {
    const variables = { DESTDIR: '${ROOT}/dest', ROOT: '/build' };
    expect(expandVariables('--to=${DESTDIR} $CC', variables)).toBe('--to=/build/dest $CC');
  });

  test('unknown names and circles are faults', () => {
    expect(() => expandVariables('${NO}', { YES: '' })).toThrow('unknown variable ${NO}');
    expect(() => expandVariables('${A}', { A: '${B}', B: '${A}' })).toThrow('in a circle');
  });

  test('values are not looked at again as patterns of a replacement', () => {
    expect(expandVariables('a${X}b', { X: "$& $1 $'" })).toBe("a$& $1 $'b");
  });
});

test.each([
  ['1:1.35.0-4+deb12u1+skiff1', '1.35.0'],
  ['1.0.0+skiff3', '1.0.0'],
  ['590-2.1~deb12u2', '590'],
])('upstream version of %s is %s', (version, upstream) => {
  expect(getUpstreamVersion(version)).toBe(upstream);
});

describe('the key of a build', () => {
  test('does not depend on the order of the inputs', () => {
    expect(makeKey({ a: '1', b: '2' })).toBe(makeKey({ b: '2', a: '1' }));
    expect(makeKey({ a: '1', b: '2' })).not.toBe(makeKey({ a: '1', b: '3' }));
  });

  test('a difference is told in words', () => {
    const digest = 'a'.repeat(64);
    const before = { 'recipe.yaml': digest, 'gcc-12': '12.2.0-13', make: '4.3', same: 'x' };
    const now = { 'recipe.yaml': 'b'.repeat(64), 'gcc-12': '12.2.0-14', 'files/x': `x ${digest}`, same: 'x' };
    expect(describeChanges(before, now)).toEqual([
      'files/x added',
      'gcc-12 12.2.0-13 -> 12.2.0-14',
      'make removed',
      'recipe.yaml changed',
    ]);
  });
});

test('a control file leaves out what is empty', () => {
  const control = { version: '1.0+skiff1', maintainer: 'M <m@x>', depends: '', staticBuiltUsing: '' };
  const text = formatControl(checkRecipe('/tree/packages/tool', { ...plain, details: 'More.' }), control, 12);
  expect(text).toContain('Installed-Size: 12\n');
  expect(text).not.toContain('Depends');
  expect(text.endsWith('Description: A tool\n More.\n')).toBe(true);
});

test('a pool keeps order and goes on after a failure', async () => {
  let running = 0;
  let most = 0;
  const results = await runPool([1, 2, 3, 4, 5], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running -= 1;
    if (item === 2) throw new Error('two');
    return item * 10;
  });
  expect(most).toBe(2);
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual([
    10,
    'failed',
    30,
    40,
    50,
  ]);
});
