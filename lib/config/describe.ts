import { createMask } from '../log/index.ts';
import { flagOf, type OptionSpec } from './option.ts';
import { type LoadedSettings, type SettingName, secretsOf } from './settings.ts';
import { SETTINGS } from './settings-table.ts';
import type { Origin } from './source.ts';

/** One line of `config show`. */
export interface ShownSetting {
  readonly name: SettingName;
  /** With `***` in place of a password. */
  readonly value: string;
  /** `flag`, `environment`, `default` or the path of a file, with the line where that is known. */
  readonly from: string;
  readonly help: string;
}

const originText = (origin: Origin): string => {
  if (origin.kind !== 'file') return origin.kind;
  return origin.line === undefined ? origin.file : `${origin.file}:${origin.line}`;
};

/** Every setting with its value and where it came from, secrets masked. */
export const describeSettings = (loaded: LoadedSettings): ShownSetting[] => {
  const mask = createMask(secretsOf(loaded.values));
  return (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const spec: OptionSpec = SETTINGS[name];
    return {
      name,
      value: spec.secret && loaded.values[name] !== '' ? '***' : mask(String(loaded.values[name])),
      from: originText(loaded.origins[name]),
      help: spec.help,
    };
  });
};

/** The settings as lines of `--help`. */
export const settingsHelp = (): string[] =>
  (Object.keys(SETTINGS) as SettingName[]).map((name) => {
    const spec: OptionSpec = SETTINGS[name];
    const value = spec.type === 'boolean' ? '' : ` ${spec.type.toUpperCase()}`;
    if (spec.secret) return `  (no flag)\n      ${spec.help} (${name})`;
    return `  ${flagOf(name)}${value}\n      ${spec.help} (${name}${spec.default === '' ? '' : `, default ${spec.default}`})`;
  });

/** The settings as the table of docs/settings.md. */
export const settingsMarkdown = (): string =>
  [
    '| setting | flag | default | what it is |',
    '|---|---|---|---|',
    ...(Object.keys(SETTINGS) as SettingName[]).map((name) => {
      const spec: OptionSpec = SETTINGS[name];
      const shownDefault = spec.default === '' ? '' : `\`${spec.default}\``;
      const flag = spec.secret ? 'none: secret' : `\`${flagOf(name)}\``;
      return `| \`${name}\` | ${flag} | ${shownDefault} | ${spec.help} |`;
    }),
    '',
  ].join('\n');
