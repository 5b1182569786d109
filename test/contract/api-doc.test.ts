import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type ApiModules, formatApi, readApi } from '../helpers/api-reference.ts';
import { useTempFolders } from '../helpers/temp.ts';
import { root } from './source-files.ts';

const FILE = join(root, 'docs/api.md');
const makeFolder = useTempFolders();
let api: ApiModules;

beforeAll(async () => {
  api = await readApi(makeFolder('api'));
}, 120_000);

test('docs/api.md has what the code exports (UPDATE_DOCS=1 writes it)', async () => {
  const text = await readFile(FILE, 'utf8');
  const start = text.indexOf('## slipway/');
  if (process.env.UPDATE_DOCS) await writeFile(FILE, text.slice(0, start) + formatApi(api));
  else expect(text.slice(start)).toBe(formatApi(api));
});

test('every module exports something, and everything has a docstring', () => {
  expect([...api.keys()]).toEqual([
    'slipway/cache',
    'slipway/container',
    'slipway/errors',
    'slipway/log',
    'slipway/report',
    'slipway/tree',
    'slipway/version',
  ]);
  const bare = [...api].flatMap(([module, exported]) =>
    exported.filter(({ doc }) => doc.length < 10).map(({ name }) => `${module} ${name}`),
  );
  expect(bare).toEqual([]);
  expect([...api.values()].filter((exported) => exported.length === 0)).toEqual([]);
});

test('declarations are whole: brackets close, and nothing of the next one hangs on', () => {
  for (const [module, exported] of api) {
    for (const { name, declaration } of exported) {
      const code = declaration.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/'[^']*'|"[^"]*"/g, '');
      const count = (signs: RegExp): number => code.match(signs)?.length ?? 0;
      expect({ module, name, open: count(/[({[]/g) }).toEqual({ module, name, open: count(/[)}\]]/g) });
      expect(declaration).not.toMatch(/\nexport /);
    }
  }
});
