#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Simulates CI workers that share a cache: traffic, waits and disk for several sizes, from what the benchmark of the cache measured and what config/simulate.yaml assumes. */
import { join, resolve } from 'node:path';
import { slipwayError } from '../lib/errors/index.ts';
import { formatReport, readFigures, readParameters, study } from '../lib/simulate/index.ts';
import { type OwnFlag, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const FLAGS: readonly OwnFlag[] = [
  { flag: '--parameters', value: 'FILE', help: '' },
  { flag: '--figures', value: 'FILE', help: '' },
  { flag: '--seed', value: 'N', help: '' },
];

const HELP = `simulate: what CI workers that share a cache ask of its server, and how long they wait

Usage: simulate.ts [OPTION...]
  --parameters FILE  what is assumed: pipelines, lines, scenarios; default config/simulate.yaml of Slipway, its comments say what each part is
  --figures FILE     what was measured: a record of 'npm run bench -- cache --json FILE', or a file like config/cache-figures.json (default)
  --seed N           other chance: pull requests at other times; default as in the parameters
  --json             the result as JSON

Exit codes: 0 done; 2 wrong use, or a file has faults
`;

const TITLES = {
  traffic: 'Traffic of the cache server',
  waiting: 'Workers',
  disk: 'Disk of the cache server',
  full: 'How many workers fill the line of one server',
} as const;

const seedOf = (text: string): number => {
  if (!/^\d{1,9}$/.test(text))
    throw slipwayError('ARGUMENTS_WRONG', { step: 'simulate', usage: 'simulate --seed N', seen: ['--seed', text] });
  return Number(text);
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async () => {
    const { help, json, positionals, flags } = parseCommandLine(io.argv, 'simulate', FLAGS);
    if (help) {
      io.stdout(HELP);
      return 0;
    }
    if (positionals.length > 0)
      throw slipwayError('ARGUMENTS_WRONG', { step: 'simulate', usage: 'simulate [OPTION...]', seen: positionals });
    const file = (flag: string, own: string): string => {
      const named = flags[flag];
      return named === undefined ? join(io.slipwayRoot, 'config', own) : resolve(io.cwd, named);
    };
    const read = await readParameters(file('--parameters', 'simulate.yaml'));
    const figures = await readFigures(file('--figures', 'cache-figures.json'));
    const seed = flags['--seed'];
    const parameters = seed === undefined ? read : { ...read, seed: seedOf(seed) };
    const result = study(parameters, figures);
    const report = formatReport(result);
    const sections = Object.entries(TITLES).map(
      ([name, title]) => `${title}\n\n${report[name as keyof typeof TITLES]}`,
    );
    io.stdout(json ? `${JSON.stringify(result, undefined, 2)}\n` : `${sections.join('\n')}`);
    return 0;
  });

if (import.meta.main) await runCommandAsScript('simulate', main);
