#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** What operators do with the artifact cache: list, measure, verify, collect garbage, repair, mirror, export and import images. Works on BUILDCACHE_SERVER, else on BUILDCACHE_DIR. */
import { slipwayError } from '../lib/errors/index.ts';
import { type CommandLine, findSettings, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { COMMANDS } from './cache/commands.ts';
import type { Command } from './cache/types.ts';
import { FLAGS, HELP } from './cache/usage.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { runCommand } from './run-command.ts';

const findCommand = (line: CommandLine): Command => {
  const [name = '', ...words] = line.positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command || words.length > command.maxWords || words.length < (command.minWords ?? 0)) {
    const usage =
      'cache ls [FOLDER], du [VERSION], verify [VERSION], gc, repair, mirror TARGET, export NAME:VERSION --to PATH or import FILE [NAME:VERSION]';
    throw slipwayError('ARGUMENTS_WRONG', { step: 'cache', usage, seen: line.positionals });
  }
  for (const { flag, of } of FLAGS) {
    if (line.flags[flag] !== undefined && !of.includes(name)) {
      throw slipwayError('CACHE_TOOL_FLAG_MEANINGLESS', { flag, command: name });
    }
  }
  return command;
};

const main = (io: StepIo): Promise<number> =>
  runCommand(io, io.argv.includes('--json'), async (tools) => {
    const line = parseCommandLine(io.argv, 'cache', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const command = findCommand(line);
    const { loaded } = await findSettings(io, line);
    const log = tools.openLogFor(line.json, loaded);
    const opened = await tools.openStore(loaded.values);
    const { store, localDir, temp, interruption } = opened;
    const cacheTools = { store, localDir, temp, log, signal: interruption.signal };
    const { value, text, damaged = [] } = await command.run(cacheTools, line, opened, io);
    io.stdout(line.json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
    if (damaged.length === 0) return 0;
    const problems = damaged.map(({ path, problem }) => `${path}: ${problem}`);
    throw slipwayError('CACHE_DAMAGED', { location: store.location, problems });
  });

if (import.meta.main) await runCommandAsScript('cache', main);
