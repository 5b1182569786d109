/**
 * `npm run bench -- NAME [OPTION…]`: runs a benchmark, which measures both sides in one go and prints a table and JSON: the test file
 * `test/bench/NAME.test.ts`, or the program `test/bench/NAME/main.ts`, which has options of its own.
 * Benchmarks are no part of `npm test`: their figures are for people.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'bench');
const programOf = (name: string): string => join(FOLDER, name, 'main.ts');
const entries = readdirSync(FOLDER);
const programs = entries.filter((name) => existsSync(programOf(name)));
const tests = entries.filter((name) => name.endsWith('.test.ts')).map((file) => file.replace(/\.test\.ts$/, ''));
const [name = '', ...more] = process.argv.slice(2);

const wordsFor = (): readonly string[] | undefined => {
  if (programs.includes(name)) return [programOf(name), ...more];
  if (tests.includes(name) && more.length === 0)
    return [join(import.meta.dirname, 'run.ts'), `test/bench/${name}.test.ts`];
  return undefined;
};

const words = wordsFor();
if (words) process.exitCode = spawnSync(process.execPath, words, { stdio: 'inherit' }).status ?? 1;
else {
  const known = [...tests, ...programs];
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of: ${known.join(', ')}\n`);
  process.exitCode = 2;
}
