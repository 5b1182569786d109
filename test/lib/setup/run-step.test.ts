import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

const SCRIPT = join(import.meta.dirname, '../../../lib/setup/run-step.sh');
/** Longer than the grain of the file system's clock. */
const A_MOMENT_MS = 30;

let root = '';
const at = (path: string): string => join(root, path);

/** What would be run: the file that the pinned Node is called with. */
const chosen = (): string =>
  execFileSync('sh', [at('lib/setup/run-step.sh'), at('ci-automation/image.ts'), 'amd64'], {
    encoding: 'utf8',
  }).trim();

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'run-step-'));
  for (const folder of ['ci-automation', 'lib/setup', 'node_modules/node/bin', 'node_modules/.slipway']) {
    mkdirSync(at(folder), { recursive: true });
  }
  cpSync(SCRIPT, at('lib/setup/run-step.sh'));
  writeFileSync(at('ci-automation/image.ts'), '');
  writeFileSync(at('lib/part.ts'), '');
  writeFileSync(at('package-lock.json'), '{}');
  writeFileSync(at('node_modules/node/bin/node'), '#!/bin/sh\necho "$@"\n');
  chmodSync(at('node_modules/node/bin/node'), 0o755);
  await sleep(A_MOMENT_MS);
});
afterEach(() => rmSync(root, { recursive: true }));

it('a step without a bundle runs from its source', () => {
  expect(chosen()).toBe(`${at('ci-automation/image.ts')} amd64`);
});

it('a bundle that is newer than every source is taken', () => {
  writeFileSync(at('node_modules/.slipway/image.mjs'), '');
  expect(chosen()).toBe(`${at('node_modules/.slipway/image.mjs')} amd64`);
});

it.each(['lib/part.ts', 'package-lock.json', 'ci-automation/image.ts'])(
  'a change of %s makes bundles useless, even one that pretends to be old',
  async (path) => {
    writeFileSync(at('node_modules/.slipway/image.mjs'), '');
    await sleep(A_MOMENT_MS);
    writeFileSync(at(path), 'changed');
    utimesSync(at(path), 0, 0);
    expect(chosen()).toBe(`${at('ci-automation/image.ts')} amd64`);
  },
);

it('so does a source that is gone', async () => {
  writeFileSync(at('node_modules/.slipway/image.mjs'), '');
  await sleep(A_MOMENT_MS);
  rmSync(at('lib/part.ts'));
  expect(chosen()).toBe(`${at('ci-automation/image.ts')} amd64`);
});
