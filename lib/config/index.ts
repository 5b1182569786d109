export type { ConfigFile } from './config-file.ts';
export { describeSettings, type ShownSetting, settingsHelp, settingsMarkdown } from './describe.ts';
export { type Facts, fill, fillAll } from './fill.ts';
export { formatImported, type ImportedSettings, importSettings } from './import-settings.ts';
export { nearest } from './nearest.ts';
export { flagOf, type OptionSpec, type OptionTable, type ValuesOf } from './option.ts';
export {
  type LoadedSettings,
  loadSettings,
  misspeltNames,
  type SettingName,
  type Settings,
  secretsOf,
} from './settings.ts';
export { SETTINGS } from './settings-table.ts';
export { evaluateShell, type ShellValues, type ShellVariable } from './shell/evaluate.ts';
export type { UnreadStatement } from './shell/syntax.ts';
export { readShellFile, type ShellFile } from './shell-file.ts';
export type { Origin } from './source.ts';
