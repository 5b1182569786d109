#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** `config show`: every setting with its value and where it came from. */
import { describeSettings, loadSettings, type ShownSetting } from '../lib/config/index.ts';
import { exitCodeOf, slipwayError } from '../lib/errors/index.ts';
import { configFiles, openLog, parseCommandLine, reportError, type StepIo, settingFlags } from '../lib/step/index.ts';
import { processIo } from './run-as-script.ts';

const HELP = [
  'config: shows the settings of the steps',
  '',
  'Usage: config.ts [OPTION...] show',
  '  show     print every setting with its value and where it came from',
  '  --json   the same as JSON',
  '',
].join('\n');

const tableOf = (settings: readonly ShownSetting[]): string => {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const valueWidth = Math.max(...settings.map(({ value }) => value.length));
  return settings
    .map(({ name, value, from }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${from}\n`)
    .join('');
};

const main = async (io: StepIo): Promise<number> => {
  const log = openLog(io, false, []);
  try {
    const line = parseCommandLine(io.argv, 'config');
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    if (line.positionals.length !== 1 || line.positionals[0] !== 'show') {
      throw slipwayError('ARGUMENTS_WRONG', { step: 'config', usage: 'config show', seen: line.positionals });
    }
    const loaded = await loadSettings({
      flags: settingFlags(line),
      env: io.env,
      files: configFiles(io, line),
      cwd: io.cwd,
    });
    for (const warning of loaded.warnings) log.warn(warning);
    const shown = describeSettings(loaded);
    io.stdout(line.json ? `${JSON.stringify(shown, undefined, 2)}\n` : tableOf(shown));
    return 0;
  } catch (error) {
    reportError(log, error);
    return exitCodeOf(error);
  }
};

if (import.meta.main) process.exitCode = await main(await processIo());
