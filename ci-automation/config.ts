#!/usr/bin/env -S sh -c 'exec "$(dirname "$(readlink -f "$0")")/../lib/setup/run-step.sh" "$0" "$@"'
/** `config show`: every setting with its value and where it came from. `config import`: our settings from those of a tree's own steps. */
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import {
  describeSettings,
  formatImported,
  type ImportedSettings,
  importSettings,
  type ShellFile,
  type ShownSetting,
  secretsOf,
} from '../lib/config/index.ts';
import { slipwayError } from '../lib/errors/index.ts';
import type { Log } from '../lib/log/index.ts';
import { findSettings, parseCommandLine, type StepIo } from '../lib/step/index.ts';
import { runCommandAsScript } from './run-as-script.ts';
import { type CommandTools, runCommand } from './run-command.ts';

type Line = ReturnType<typeof parseCommandLine>;

const HELP = [
  'config: shows the settings of the steps',
  '',
  'Usage: config.ts [OPTION...] show',
  '       config.ts [OPTION...] import [FILE]',
  "  show     print every setting with its value and where it came from; run it in the root of the OS tree to see the tree's",
  '  import   print a ci-config.env with the settings of FILE, a file of shell assignments that is read as data and not executed;',
  '           FILE is the one of the OS tree when it is not given, for example ci-automation/ci-config.env',
  '  --json   the same as JSON',
  '',
  'Exit codes: 0 done; 1 import: a setting could not be read or copied, the log says which; 2 wrong use or unreadable file',
  '',
].join('\n');

const tableOf = (settings: readonly ShownSetting[]): string => {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const valueWidth = Math.max(...settings.map(({ value }) => value.length));
  return settings
    .map(({ name, value, from }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${from}\n`)
    .join('');
};

/** Says which statements are not executed, one line each. */
const nameUnread = (log: Log, file: string, unread: ShellFile['unread']): void => {
  for (const { line, endLine, what, text, assigns } of unread) {
    const lines = line === endLine ? `${line}` : `${line}-${endLine}`;
    const sets = assigns.length > 0 ? `; it may set ${assigns.join(', ')}` : '';
    log.info(`${file}:${lines} cannot be read as data and is not executed, ${what}: ${text}${sets}`);
  }
};

const show = async (io: StepIo, line: Line, tools: CommandTools): Promise<number> => {
  const { loaded, treeFile } = await findSettings(io, line);
  const log = tools.openLog(false, secretsOf(loaded.values));
  if (treeFile) nameUnread(log, treeFile.file, treeFile.unread);
  for (const warning of loaded.warnings) log.warn(warning);
  for (const { where, text } of loaded.unread) {
    log.warn(`${where}: ${text}: only a shell could evaluate it. No step runs before the value itself is given.`);
  }
  const shown = describeSettings(loaded);
  io.stdout(line.json ? `${JSON.stringify(shown, undefined, 2)}\n` : tableOf(shown));
  return 0;
};

const nameMissing = (log: Log, file: string, { unread, missing, others }: ImportedSettings): void => {
  nameUnread(log, file, unread);
  if (others.length > 0)
    log.info(
      `${file} also sets what is not Slipway's; it stays there, for the tree's own scripts: ${others.join(', ')}`,
    );
  for (const { name, line, reason } of missing)
    log.warn(`${file}:${line} sets ${name}, which is not imported: ${reason}.`);
};

/** The named file, else the one that the tree's description names. */
const fileToImport = async (io: StepIo, line: Line): Promise<string> => {
  const [, named] = line.positionals;
  if (named !== undefined) return resolve(io.cwd, named);
  const { tree } = await findSettings(io, line);
  if (tree?.settingsFile === undefined) throw slipwayError('CONFIG_NOTHING_TO_IMPORT', { cwd: io.cwd });
  return resolve(io.cwd, tree.settingsFile.path);
};

const importFile = async (io: StepIo, line: Line, { log }: CommandTools): Promise<number> => {
  const file = await fileToImport(io, line);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw slipwayError('CONFIG_FILE_UNREADABLE', { file, reason: error.message }, error);
  });
  const imported = importSettings(text, io.env, io.cwd);
  const shown = relative(io.cwd, file);
  nameMissing(log, shown, imported);
  io.stdout(line.json ? `${JSON.stringify({ file, ...imported }, undefined, 2)}\n` : formatImported(imported, shown));
  return imported.missing.length > 0 ? 1 : 0;
};

const COMMANDS = new Map([
  ['show', { run: show, maxWords: 1 }],
  ['import', { run: importFile, maxWords: 2 }],
]);

const main = (io: StepIo): Promise<number> =>
  runCommand(io, false, async (tools) => {
    const line = parseCommandLine(io.argv, 'config');
    if (line.help) {
      io.stdout(HELP);
      return 0;
    }
    const command = COMMANDS.get(line.positionals[0] ?? '');
    if (!command || line.positionals.length > command.maxWords) {
      const usage = 'config show, or config import [FILE]';
      throw slipwayError('ARGUMENTS_WRONG', { step: 'config', usage, seen: line.positionals });
    }
    return await command.run(io, line, tools);
  });

if (import.meta.main) await runCommandAsScript('config', main);
