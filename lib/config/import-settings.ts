import { flagOf, type OptionSpec } from './option.ts';
import { parseValue } from './parse-value.ts';
import { credentialsIn, type SettingName } from './settings.ts';
import { SETTINGS } from './settings-table.ts';
import { evaluateShell } from './shell/evaluate.ts';
import type { UnreadStatement } from './shell/syntax.ts';

/** One setting for our file, and where it is from. */
export interface ImportedSetting {
  readonly name: SettingName;
  readonly value: string;
  /** In the imported file, from 1. */
  readonly line: number;
  /** What to know about it; one sentence each. */
  readonly notes: readonly string[];
}

/** What came of reading the settings of a tree's own steps. */
export interface ImportedSettings {
  readonly settings: readonly ImportedSetting[];
  /** Settings of ours that only a shell could evaluate, or that cannot be copied, each with the reason. */
  readonly missing: readonly { readonly name: SettingName; readonly line: number; readonly reason: string }[];
  /** Statements that are not executed. */
  readonly unread: readonly UnreadStatement[];
  /** Variables that are not ours: left to the tree's own scripts. */
  readonly others: readonly string[];
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

const isDefault = (name: SettingName, text: string): boolean => {
  const spec: OptionSpec = SETTINGS[name];
  const parsed = parseValue(spec, text, '/', '/');
  return 'value' in parsed ? parsed.value === spec.default : false;
};

/** A value of its own kind for each setting, to see which of them the file takes from the environment. */
const PROBE = 'taken from the environment';

/**
 * Writes a value so that our reader of `ci-config.env` gives it back. Of its three kinds of quotes it knows no way to write the same within;
 * and a backslash before the closing one would hide it.
 */
const quote = (value: string): string | undefined => {
  if (/^[\w./:@%+,=-]+$/.test(value)) return value;
  if (value.includes('\r')) return undefined;
  if (!value.includes("'") && !value.endsWith('\\')) return `'${value}'`;
  const escaped = value.replaceAll('$', '\\$');
  if (!value.includes('`') && !value.endsWith('\\')) return `\`${escaped}\``;
  return /^[^\s'"`#][^#\n]*$/.test(value) && !/\s$/.test(value) ? escaped : undefined;
};

/**
 * Makes settings of ours from the file of a tree's own steps.
 *
 * @param text of the file
 * @param env the environment; what it has of our settings does not count, because it would not be the file's
 * @param cwd absolute; the root of the tree
 */
export const importSettings = (
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): ImportedSettings => {
  const without = { ...env, PWD: cwd, ...Object.fromEntries(NAMES.map((name) => [name, undefined])) };
  const { variables, unread } = evaluateShell(text, without);
  const probed = evaluateShell(text, { ...without, ...Object.fromEntries(NAMES.map((name) => [name, PROBE])) });
  const settings: ImportedSetting[] = [];
  const missing: { name: SettingName; line: number; reason: string }[] = [];
  for (const name of NAMES) {
    const variable = variables.get(name);
    if (!variable) continue;
    const { value = '', unknown, line, uses } = variable;
    const spec: OptionSpec = SETTINGS[name];
    if (unknown !== undefined) missing.push({ name, line, reason: `only a shell could evaluate ${unknown}` });
    else if (value === '' || isDefault(name, value)) continue;
    else if (spec.secret || credentialsIn(value).length > 0) {
      missing.push({ name, line, reason: 'it is a secret or has one in it; set it in the environment' });
    } else if (quote(value) === undefined) {
      missing.push({
        name,
        line,
        reason: 'its quotes cannot be written in a ci-config.env; set it in the environment',
      });
    } else {
      const isFixed = (probed.variables.get(name)?.value ?? PROBE) !== PROBE;
      const notes = [
        ...(isFixed ? [`There it wins over the environment; here the environment and ${flagOf(name)} win.`] : []),
        ...uses.map((used) => `Made with ${used} of the environment, as it is now.`),
      ];
      settings.push({ name, value, line, notes });
    }
  }
  const isOurs = (name: string): boolean => Object.hasOwn(SETTINGS, name);
  return { settings, missing, unread, others: [...variables.keys()].filter((name) => !isOurs(name)) };
};

/** The text of a `ci-config.env` with these settings. @param from the imported file, for people */
export const formatImported = ({ settings }: Pick<ImportedSettings, 'settings'>, from: string): string =>
  [
    `# Settings of Slipway's steps, made from ${from}; to be put in the root of the OS tree.`,
    ...settings.flatMap(({ name, value, line, notes }) => [
      '',
      `# ${from}:${line}`,
      ...notes.map((note) => `# ${note}`),
      `${name}=${quote(value)}`,
    ]),
    '',
  ].join('\n');
