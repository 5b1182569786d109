#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Makes the files with which a CI runs the pipeline, from its definition: prints the main one, or writes them all. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nearest } from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import { GENERATORS, type GlueFile } from '../lib/glue/index.ts';
import { findPipelineFile, readPipeline, resolveJobs } from '../lib/pipeline/index.ts';
import { type OwnFlag, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const FLAGS: readonly OwnFlag[] = [
  { flag: '--pipeline', value: 'FILE', help: '' },
  { flag: '--write', value: 'FOLDER', help: '' },
];

const KNOWN = Object.keys(GENERATORS);

const HELP = `glue: makes the files with which a CI runs the pipeline

Usage: glue.ts [OPTION...] CI
  CI                 ${KNOWN.join(', ')}
  --pipeline FILE    the definition; default pipeline.yaml in this folder, else config/pipeline.yaml of Slipway
  --write FOLDER     write all files of the CI below FOLDER, where the CI looks for them; default: print the main one

Exit codes: 0 done; 2 wrong use, or the definition has faults
`;

const writeFiles = async (folder: string, files: readonly GlueFile[]): Promise<string[]> => {
  const written: string[] = [];
  for (const { path, text } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    written.push(file);
  }
  return written;
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async () => {
    const { help, positionals, flags } = parseCommandLine(io.argv, 'glue', FLAGS);
    if (help) {
      io.stdout(HELP);
      return 0;
    }
    const [ci = '', ...others] = positionals;
    if (ci === '' || others.length > 0)
      throw slipwayError('ARGUMENTS_WRONG', { step: 'glue', usage: `glue ${KNOWN.join('|')}`, seen: positionals });
    const generator = Object.hasOwn(GENERATORS, ci) ? GENERATORS[ci] : undefined;
    if (!generator) throw slipwayError('CI_UNKNOWN', { ci, known: KNOWN, nearest: nearest(ci, KNOWN) });
    const pipeline = await readPipeline(await findPipelineFile(io.cwd, flags['--pipeline']));
    const files = generator.files({ pipeline, jobs: resolveJobs(pipeline) });
    const folder = flags['--write'];
    if (folder === undefined) io.stdout(files[0]?.text ?? '');
    else io.stdout((await writeFiles(resolve(io.cwd, folder), files)).map((file) => `${file}\n`).join(''));
    return 0;
  });

if (import.meta.main) await runCommandAsScript('glue', main);
