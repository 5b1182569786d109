#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** Follows a run from another terminal: shows what its steps say, one after the other, and ends as the run does. */
import { stat } from 'node:fs/promises';
import { slipwayError } from '../lib/errors/index.ts';
import { createMask, type Sink, textSink } from '../lib/log/index.ts';
import { followRun, type ReadLine } from '../lib/recording/index.ts';
import { findSettings, type OwnFlag, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { findPlaces } from './report/places.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const FLAGS: readonly OwnFlag[] = [
  { flag: '--next', help: '' },
  { flag: '--wait', value: 'SECONDS', help: '' },
];

const DEFAULT_WAIT_S = 10;

const HELP = `watch: follows a run from another terminal, step by step, and ends with its exit code

Usage: watch.ts [OPTION...] [FOLDER|EVENTS-FILE]
  FOLDER          an OS tree, or its folder of events: begins with the newest step, and goes on with each one that comes after it
                  Default: the OS tree in this folder, else the newest local nightly
  EVENTS-FILE     only this step
  --next          leave out a step that has ended already; wait for the next one
  --wait SECONDS  how long to wait for a next step after one that ended well, when the run is not known to go on; default ${DEFAULT_WAIT_S}
  --json          pass on the events as they are, to standard output

The run is over when a step fails, when the process is gone that starts the steps (npm run nightly), or when no other step came.
Exit codes: those of the last step; 1 when it was killed without a last word; 2 wrong use, or no events; 130, 143 this command was stopped
`;

const parseWait = (text: string | undefined): number => {
  if (text === undefined) return DEFAULT_WAIT_S * 1000;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw slipwayError('WATCH_VALUE_INVALID', { flag: '--wait', value: text, expected: 'a number of seconds' });
};

const findPlace = async (path: string): Promise<{ folder: string } | { file: string }> => {
  try {
    return (await stat(path)).isDirectory() ? { folder: path } : { file: path };
  } catch (error) {
    throw slipwayError('EVENTS_MISSING', { path, reason: 'there is no such file or folder' }, error);
  }
};

/** Shows events as the step that says them does; every step has its view. */
const createView = ({ stderr }: StepIo): ((line: ReadLine) => void) => {
  let sink: Sink = () => {};
  return ({ recorded: { event } }) => {
    // Secrets were masked when the events were recorded.
    if (event.kind === 'recording' || event.kind === 'step-started') sink = textSink(stderr, createMask([]));
    if (event.kind !== 'recording') sink(event);
  };
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const { signal } = tools.watchSignals();
    const line = parseCommandLine(io.argv, 'watch', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const { positionals, flags } = line;
    if (positionals.length > 1) {
      throw slipwayError('ARGUMENTS_WRONG', { step: 'watch', usage: 'watch [FOLDER|EVENTS-FILE]', seen: positionals });
    }
    const { loaded } = await findSettings(io, line);
    const [path = ''] = findPlaces(positionals, io.cwd, loaded.values.SLIPWAY_CACHE_DIR);
    const view = line.json ? ({ text }: ReadLine) => io.stdout(text) : createView(io);
    const run = followRun({
      place: await findPlace(path),
      onlyNew: flags['--next'] !== undefined,
      waitMs: parseWait(flags['--wait']),
      signal,
    });
    for (;;) {
      const { done, value } = await run.next();
      if (done) return value;
      view(value);
    }
  });

if (import.meta.main) await runCommandAsScript('watch', main);
