import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { root, type SourceFile, sourceFiles } from './source-files.ts';

const library = [...sourceFiles('lib/**/*.ts'), ...sourceFiles('lib/**/*.mjs')].filter(
  // Programs: the very first script, which runs before there is anything else, those that it runs, and the one of the package.
  ({ path }) => !/^lib\/setup\/(enter|bundle|bundle-steps|build-package|slipway)\.mjs$/.test(path),
);

/** `path:line: text` of the code that matches. */
const linesWith = (files: readonly SourceFile[], pattern: RegExp): string[] =>
  files.flatMap(({ path, code }) =>
    code
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );

describe('the library', () => {
  test('never ends the process, prints or reads the environment', () => {
    const forbidden = /\bprocess\.(?:exit|env|argv|stdout|stderr)\b|(?<![\w.])console\.(?:log|error|warn|info|debug)\b/;
    expect(linesWith(library, forbidden)).toEqual([]);
  });

  test('runs programs by execa only, from lib/process', () => {
    // These are plain JavaScript that has to work before execa is installed.
    const early = /^lib\/setup\/[\w-]+\.mjs$/;
    const others = library.filter(({ path }) => !early.test(path) && !path.startsWith('lib/process/'));
    expect(linesWith(others, /from '(?:node:child_process|execa)'/)).toEqual([]);
  });

  test('each module can be imported by itself, without a word and without leaving anything running', async () => {
    const modules = library
      .filter(({ path }) => !path.endsWith('.d.mts') && !path.includes('worker'))
      .map(({ path }) => join(root, path));
    const program = `
      // The pipes of standard output and error appear when somebody looks at them.
      const isOwn = (kind) => !/^(Pipe|TTY|FS)/.test(kind);
      for (const file of JSON.parse(process.argv[1])) {
        await import(file).catch((error) => console.log(file, error));
        const running = process.getActiveResourcesInfo().filter(isOwn);
        if (running.length > 0) console.log(file, running.join(' '));
      }`;
    const args = ['--input-type=module', '--eval', program, JSON.stringify(modules)];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  });
});

test('no code knows an OS tree by name: what differs between trees is data in config/trees/', () => {
  // The nightly driver is about the tree that is embedded here.
  const files = [...library, ...sourceFiles('ci-automation/**/*.ts')].filter(
    ({ path }) => !path.startsWith('ci-automation/nightly'),
  );
  expect(linesWith(files, /flatcar|skiff|coreos/)).toEqual([]);
});
