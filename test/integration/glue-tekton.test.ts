import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runProgram } from '../helpers/glue-run.ts';
import { SLIPWAY } from '../helpers/glue-world.ts';
import { useTempFolders } from '../helpers/temp.ts';

const makeTempFolder = useTempFolders();
const FILE = join(SLIPWAY, 'config/glue/tekton/tekton/pipeline.yaml');

const lint = (file: string) =>
  runProgram(
    [
      join(SLIPWAY, 'node_modules/node/bin/node'),
      join(SLIPWAY, 'node_modules/.bin/tekton-lint'),
      '--format',
      'vscode',
      file,
    ],
    { cwd: SLIPWAY, env: { PATH: process.env.PATH, HOME: process.env.HOME } },
  );

test('the pipeline for Tekton is clean to its linter, which finds what is wrong', async () => {
  expect(await lint(FILE)).toEqual({ exitCode: 0, output: '' });
  const wrong = join(makeTempFolder(), 'wrong.yaml');
  writeFileSync(
    wrong,
    readFileSync(FILE, 'utf8').replace('taskRef:\n        name: slipway-job', 'taskRef:\n        name: slipway-jbo'),
  );
  const { exitCode, output } = await lint(wrong);
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/slipway-jbo/);
}, 60_000);
