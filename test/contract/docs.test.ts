import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root, sourceFiles } from './source-files.ts';

const docs = ['README.md', 'CHANGELOG.md', 'AGENTS.md', 'docs/**/*.md', 'skiff/**/*.md'].flatMap(sourceFiles);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

test('every npm script that the documents mention exists', () => {
  const mentioned = docs.flatMap(({ path, text }) =>
    [...text.matchAll(/npm (?:run (?:--silent )?)?([a-z][\w:-]*)/g)].map(([whole, name = '']) => ({
      path,
      whole,
      name,
    })),
  );
  const unknown = mentioned.filter(({ whole, name }) => (whole.includes(' run ') || name === 'test') && !scripts[name]);
  expect(unknown).toEqual([]);
});

test('every relative link of the documents leads to a file', () => {
  const dead = docs.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!\w+:|#)([^)\s#]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(root, dirname(path), decodeURI(target))))
      .map((target) => `${path}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('every file of the project that the documents name in code quotes exists', () => {
  // NAME.yaml and the like stand for any file.
  const placeholder = /\/[A-Z]+\.\w+$/;
  const folders = /^(?:ci-automation|lib|config|test|docs)\//;
  // Files of the OS tree, which has a folder of that name too.
  const ofTree = /^ci-automation\/.*\.(?:sh|env)$/;
  const dead = docs.flatMap(({ path, text }) =>
    [...text.matchAll(/`([\w./-]+\/[\w./-]+\.\w+)`/g)]
      .map(([, name = '']) => name)
      .filter(
        (name) => folders.test(name) && !ofTree.test(name) && !placeholder.test(name) && !existsSync(join(root, name)),
      )
      .map((name) => `${path}: ${name}`),
  );
  expect(dead).toEqual([]);
});

test('the programs of npm scripts exist', () => {
  const files = Object.values(scripts).flatMap((command) => command.split(' ').filter((word) => word.includes('/')));
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
