#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Looks at a machine before anything is built on it: says what is missing or broken, and how to mend it. Builds nothing and needs no engine to start. */
import { secretsOf } from '../lib/config/index.ts';
import { CHECKS, openMachine, renderReport, runChecks, selectChecks } from '../lib/doctor/index.ts';
import { createMask } from '../lib/log/index.ts';
import { type OwnFlag, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const FLAGS: readonly OwnFlag[] = [
  { flag: '--skip', value: 'CHECK', repeatable: true, help: 'Leave out this check; may be given several times' },
  { flag: '--offline', help: 'Leave out all that needs the network' },
  { flag: '--read-only', help: 'Do not look at rights to write, to the cache and to the remote of the checkout' },
];

const WIDTH = Math.max(...CHECKS.map(({ name }) => name.length));

const HELP = [
  'doctor: looks at this machine before anything is built on it, and says how to mend what it finds',
  '',
  'Usage: doctor.ts [OPTION...] [CHECK...]',
  '  CHECK   only these; without one, all. Call it in the root of the OS tree that is to be built.',
  '',
  'Checks:',
  ...CHECKS.map(({ name, summary }) => `  ${name.padEnd(WIDTH)}  ${summary}`),
  '',
  'Options, beside the settings:',
  ...FLAGS.map(({ flag, value, help }) => `  ${`${flag}${value ? ` ${value}` : ''}`.padEnd(14)}  ${help}`),
  '  --json          The report as JSON',
  '  --config FILE   Read this ci-config.env instead of the usual ones',
  '',
  'Each check has a time limit, and one that hangs or breaks stops no other. What is tried is taken back: a probe in the cache, a container,',
  'a loop device. The push to the remote is a dry run.',
  '',
  'Exit codes: 0 nothing failed (warnings do not count), 1 something failed, 2 wrong use, 130/143 interrupted.',
  '',
].join('\n');

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async (tools) => {
    const { signal } = tools.watchSignals();
    const line = parseCommandLine(io.argv, 'doctor', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const skip = line.flags['--skip']?.split(',') ?? [];
    const checks = selectChecks(line.positionals, skip);
    const has = (flag: string): boolean => line.flags[flag] !== undefined;
    const machine = await openMachine(io, line, { readOnly: has('--read-only'), signal });
    const mask = createMask(machine.loaded ? secretsOf(machine.loaded.values) : []);
    const report = await runChecks(checks, machine, { offline: has('--offline'), signal });
    const isTerminal = io.stderr.isTerminal && process.stdout.isTTY === true;
    io.stdout(mask(line.json ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report, isTerminal)));
    return report.ok ? 0 : 1;
  });

/** Something that hangs is told of, and does not keep this process: what is left in it then is nothing that anybody waits for. */
const PATIENCE_MS = 1_000;

if (import.meta.main) {
  await runCommandAsScript('doctor', main);
  setTimeout(() => process.exit(), PATIENCE_MS).unref();
}
