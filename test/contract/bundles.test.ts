import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { root } from './source-files.ts';

const run = promisify(execFile);
const node = join(root, 'node_modules/node/bin/node');
const folder = mkdtempSync(join(tmpdir(), 'bundles-'));

beforeAll(() => run(node, [join(root, 'lib/setup/bundle-steps.mjs'), folder]));
afterAll(() => rmSync(folder, { recursive: true }));

/** Without the tools of ours and `test`, which loads its checks by path. */
const LEFT_OUT = [
  'bisect',
  'config',
  'diff',
  'glue',
  'nightly',
  'reproduce',
  'run-as-script',
  'run-command',
  'setup',
  'simulate',
  'test',
];

test('there is a bundle of each step', () => {
  const steps = readdirSync(join(root, 'ci-automation'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => basename(name, '.ts'));
  expect(readdirSync(folder).map((name) => basename(name, '.mjs'))).toEqual(
    steps.filter((name) => !LEFT_OUT.includes(name)).sort(),
  );
});

test('a bundle is the program that its source is, once, also where one step imports another', async () => {
  for (const name of readdirSync(folder)) {
    const [bundled, plain] = await Promise.all(
      [join(folder, name), join(root, 'ci-automation', `${basename(name, '.mjs')}.ts`)].map((file) =>
        run(node, [file, '--help']),
      ),
    );
    expect(bundled?.stdout).toBe(plain?.stdout);
  }
});
