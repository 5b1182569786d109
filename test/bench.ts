/**
 * `npm run bench -- NAME`: runs the benchmark `test/bench/NAME.test.ts`, which measures both sides in one go and prints a table and JSON.
 * Benchmarks are no part of `npm test`: their figures are for people.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'bench');
const known = readdirSync(FOLDER).map((file) => file.replace(/\.test\.ts$/, ''));
const [name = '', ...more] = process.argv.slice(2);

if (!known.includes(name) || more.length > 0) {
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of: ${known.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const words = [join(import.meta.dirname, 'run.ts'), `test/bench/${name}.test.ts`];
  process.exitCode = spawnSync(process.execPath, words, { stdio: 'inherit' }).status ?? 1;
}
