#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** What operators do with the artifact cache: list, measure, verify, collect garbage, repair, mirror, export and import images. Works on BUILDCACHE_SERVER, else on BUILDCACHE_DIR. */
import { secretsOf } from '../lib/config/index.ts';
import { exitCodeOf, slipwayError } from '../lib/errors/index.ts';
import {
  type CommandLine,
  findSettings,
  type OpenedStore,
  openLog,
  openStore,
  parseCommandLine,
  reportError,
  type StepIo,
} from '../lib/step/index.ts';
import { COMMANDS } from './cache/commands.ts';
import type { Command } from './cache/types.ts';
import { FLAGS, HELP } from './cache/usage.ts';
import { processIo } from './run-as-script.ts';

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

const main = async (io: StepIo): Promise<number> => {
  let log = openLog(io, io.argv.includes('--json'), []);
  let opened: OpenedStore | undefined;
  try {
    const line = parseCommandLine(io.argv, 'cache', FLAGS);
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const command = findCommand(line);
    const { loaded } = await findSettings(io, line);
    log = openLog(io, line.json, secretsOf(loaded.values));
    for (const warning of loaded.warnings) log.warn(warning);
    opened = await openStore(io, loaded.values, log);
    const { store, localDir, temp, interruption } = opened;
    const tools = { store, localDir, temp, log, signal: interruption.signal };
    const { value, text, damaged = [] } = await command.run(tools, line, opened, io);
    io.stdout(line.json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
    if (damaged.length === 0) return 0;
    const problems = damaged.map(({ path, problem }) => `${path}: ${problem}`);
    throw slipwayError('CACHE_DAMAGED', { location: store.location, problems });
  } catch (error) {
    const seen = opened?.interruption.received() === undefined ? error : opened.interruption.signal.reason;
    reportError(log, seen);
    return exitCodeOf(seen);
  } finally {
    await opened?.close();
  }
};

/** `npm run cache` works in Slipway's folder, but is asked about the folder that it was called in. */
const callersFolder = ({ env, cwd }: StepIo): string =>
  env.npm_lifecycle_event === 'cache' && env.npm_package_name === 'slipway' ? (env.INIT_CWD ?? cwd) : cwd;

if (import.meta.main) {
  const io = await processIo();
  process.exitCode = await main({ ...io, cwd: callersFolder(io) });
}
