export type { ConfigFile } from './config-file.ts';
export { describeSettings, type ShownSetting, settingsHelp, settingsMarkdown } from './describe.ts';
export { type Facts, fill, fillAll } from './fill.ts';
export { nearest } from './nearest.ts';
export { flagOf, type OptionSpec, type OptionTable, type ValuesOf } from './option.ts';
export {
  type LoadedSettings,
  loadSettings,
  type Origin,
  type SettingName,
  type Settings,
  secretsOf,
} from './settings.ts';
export { SETTINGS } from './settings-table.ts';
