#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** One self-contained HTML page about a run, made from the events that its steps recorded. */
import { dirname, join, resolve } from 'node:path';
import { slipwayError } from '../lib/errors/index.ts';
import { formatDuration } from '../lib/log/index.ts';
import { EVENTS_FOLDER, findSettings, type OwnFlag, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { findPlaces } from './report/places.ts';
import { writeReport } from './report/write-report.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const FLAGS: readonly OwnFlag[] = [{ flag: '--out', value: 'FILE', help: '' }];

const HELP = `report: makes one HTML page about a run, from the events that its steps recorded

Usage: report.ts [OPTION...] [EVENTS-FILE|FOLDER...]
  EVENTS-FILE   a recording, or what a step wrote with --json: these files are the run
  FOLDER        an OS tree, or a folder with recordings (in folders below, too: one for each worker they were collected from): the newest
                run in there. The other runs are what it is compared with
                Default: the OS tree in this folder, else the newest local nightly
  --out FILE    default: report.html beside the events of the tree, else slipway-report.html in this folder
  --json        print what was made as JSON
  The BUILDCACHE_... settings say where the cache is; links to artifacts lead there.

Prints the path of the page. Exit codes: 0 made, also of a run that failed; 1 events that cannot be read; 2 wrong use, or no events
`;

/** Beside the events when these are in the folder of a tree. */
const defaultOut = (places: readonly string[], cwd: string): string => {
  const [place = ''] = places;
  return places.length === 1 && place.endsWith(EVENTS_FOLDER)
    ? join(dirname(place), 'report.html')
    : join(cwd, 'slipway-report.html');
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const line = parseCommandLine(io.argv, 'report', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const { loaded } = await findSettings(io, line);
    const settings = loaded.values;
    const log = tools.openLog(line.json, []);
    const places = findPlaces(line.positionals, io.cwd, settings.SLIPWAY_CACHE_DIR);
    const given = line.flags['--out'];
    if (given === '') throw slipwayError('FLAG_VALUE_MISSING', { flag: '--out', step: 'report' });
    const out = given === undefined ? defaultOut(places, io.cwd) : resolve(io.cwd, given);
    const run = await writeReport({ places, out, settings, onFault: (error) => log.warn(error.message) }, io);
    const { version, outcome, exitCode, startedMs, endedMs, steps } = run;
    if (line.json) {
      const files = steps.map(({ file }) => file);
      io.stdout(`${JSON.stringify({ report: out, version, outcome, exitCode, steps: files }, undefined, 2)}\n`);
    } else {
      log.info(`${version ?? 'run'}: ${steps.length} steps in ${formatDuration(endedMs - startedMs)}, ${outcome}`);
      io.stdout(`${out}\n`);
    }
    return 0;
  });

if (import.meta.main) await runCommandAsScript('report', main);
