import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runLayer } from '../run/jest.ts';

/** Tests that a test run has to judge rightly; jest really runs them. */
const FILES = {
  'good.test.mjs': `test('passes', () => {}); test.skip('is skipped', () => {}); test.todo('is to do');`,
  'bad.test.mjs': `test('passes', () => {}); test('fails', () => { throw new Error('as it should'); });`,
  'broken.test.mjs': `import './no-such-file.mjs'; test('never runs', () => {});`,
  'open.test.mjs': `test('passes and leaves a timer', () => { setInterval(() => {}, 60_000); });`,
} as const;

const checkout = join(import.meta.dirname, '../..');
const layer = { name: 'fixture', folders: ['test'], usesHost: true, workers: 1, besideNext: false };

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-npm-test-'));
  await mkdir(join(root, 'test'));
  await symlink(join(checkout, 'node_modules'), join(root, 'node_modules'));
  await writeFile(join(root, 'package.json'), '{}');
  await writeFile(
    join(root, 'jest.config.mjs'),
    `export default { projects: [{ displayName: 'fixture', transform: {}, testMatch: ['<rootDir>/test/*.test.mjs'] }] };`,
  );
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(root, 'test', name), text);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const run = async (names: readonly (keyof typeof FILES | 'none')[], workers = 1) => {
  let output = '';
  const write = (text: string): void => {
    output += text;
  };
  const paths = names.map((name) => `test/${name}`);
  const env = { ...process.env, FORCE_COLOR: '0', CI: 'true' };
  const tally = await runLayer({ ...layer, workers }, { root, env, paths, jestArgs: [], write });
  return { tally, output };
};

describe('a layer is judged', () => {
  test('by its tests', async () => {
    const { tally, output } = await run(['good.test.mjs', 'bad.test.mjs']);
    expect(tally).toEqual({ passed: 2, failed: 1, skipped: 2 });
    expect(output).toContain('as it should');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(output).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });

  test('by files that cannot be loaded', async () => {
    expect((await run(['broken.test.mjs'])).tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test('by what its tests leave running, without waiting for ever', async () => {
    const { tally, output } = await run(['open.test.mjs']);
    expect(tally).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(output).toContain('FAIL fixture: the tests leave something running (open handles)');
  });

  test('by what they leave running in one of several workers', async () => {
    const { tally, output } = await run(['open.test.mjs', 'good.test.mjs'], 2);
    expect(tally).toEqual({ passed: 2, failed: 1, skipped: 2 });
    expect(output).toContain('FAIL fixture: the tests leave something running (open handles)');
  });

  test('as nothing when there is no test', async () => {
    expect((await run(['none'])).tally).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
