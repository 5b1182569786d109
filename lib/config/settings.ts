import { dirname, join } from 'node:path';
import type { ConfigFault } from '../errors/catalog/config.ts';
import { slipwayError } from '../errors/index.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { nearest } from './nearest.ts';
import { flagOf, type OptionSpec, type ValuesOf } from './option.ts';
import { parseValue } from './parse-value.ts';
import { SETTINGS } from './settings-table.ts';
import type { ShellFile } from './shell-file.ts';
import { chooseSource, type Notes, type Origin, type Source, warnOfUnread } from './source.ts';

/** All settings, typed and frozen. */
export type Settings = ValuesOf<typeof SETTINGS>;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** The settings and, for each, where its value came from. */
export interface LoadedSettings {
  readonly values: Settings;
  readonly origins: Readonly<Record<SettingName, Origin>>;
  /** Keys that look like nothing of ours; worth a word but no error. */
  readonly warnings: readonly string[];
  /** Settings that the tree's file sets in a way that only a shell could evaluate, and that nobody else sets. */
  readonly unread: readonly ConfigFault[];
}

/** What the settings are made from. */
export interface SettingsInput {
  /** Given flags by setting name, as text. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `ci-config.env` files, the strongest first. */
  readonly files: readonly ConfigFile[];
  /** The settings of the tree's own steps; the weakest but for what they set whatever the environment says. */
  readonly treeFile?: ShellFile | undefined;
  /** Absolute; relative paths in flags, environment and the tree's file are against it. */
  readonly cwd: string;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];
const isSetting = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);

/** Names that only Slipway uses: an unknown one is surely a mistake. */
const OUR_PREFIX = /^(BUILDCACHE|SLIPWAY)_/;
/** Read before the settings are, or by the first script that runs; not part of the table. */
const SPECIAL = ['SLIPWAY_CONFIG', 'SLIPWAY_FLATCAR_TREE', 'SLIPWAY_HOME'];

/** Names in the environment that only Slipway could mean and that it does not know, with the name that may have been meant. */
export const misspeltNames = (
  env: SettingsInput['env'],
): readonly { readonly name: string; readonly meant: string | undefined }[] =>
  Object.keys(env)
    .filter((name) => env[name] !== undefined && OUR_PREFIX.test(name) && !isSetting(name) && !SPECIAL.includes(name))
    .map((name) => ({ name, meant: nearest(name, NAMES) }));

const unknownKeyFault = (name: string, where: string): ConfigFault => {
  const meant = nearest(name, NAMES);
  return { where, text: `unknown setting '${name}'.${meant ? ` Did you mean '${meant}'?` : ''}` };
};

/** A key in our own file that is one or two slips away from a setting is a misspelt one; others may belong to the tree. */
const isMisspelt = (name: string): boolean => OUR_PREFIX.test(name) || nearest(name, NAMES, 2) !== undefined;

const environmentSource = ({ env, cwd }: SettingsInput): Source => ({
  origin: { kind: 'environment' },
  where: 'environment',
  texts: env,
  base: cwd,
});

const fileSources = async (input: SettingsInput): Promise<Source[]> => {
  const read = await Promise.all(
    input.files.map(async ({ file, mustExist }) => ({ file, texts: await readConfigFile(file, input.env, mustExist) })),
  );
  return read.flatMap(({ file, texts }) =>
    texts ? [{ origin: { kind: 'file', file } as const, where: file, texts, base: dirname(file) }] : [],
  );
};

const checkKeys = (sources: readonly Source[], faults: ConfigFault[], warnings: string[]): void => {
  for (const { origin, where, texts } of sources) {
    for (const name of Object.keys(texts)) {
      if (isSetting(name) || SPECIAL.includes(name)) continue;
      if (OUR_PREFIX.test(name) || (origin.kind === 'file' && isMisspelt(name))) {
        faults.push(unknownKeyFault(name, where));
      } else if (origin.kind === 'environment' && name.length > 5 && nearest(name, NAMES, 1)) {
        warnings.push(`The environment has ${name}; did you mean ${nearest(name, NAMES, 1)}?`);
      }
    }
  }
};

const absoluteDefaults = (values: Record<string, string | number | boolean>, input: SettingsInput): void => {
  const home = input.env.HOME ?? input.cwd;
  const userCache = input.env.XDG_CACHE_HOME || join(home, '.cache');
  values.SLIPWAY_CACHE_DIR ||= join(userCache, 'slipway');
  values.BUILDCACHE_DIR ||= join(String(values.SLIPWAY_CACHE_DIR), 'buildcache');
  values.BUILDCACHE_CHUNK_DIR ||= join(String(values.SLIPWAY_CACHE_DIR), 'chunks');
  values.BUILDCACHE_KNOWN_HOSTS ||= join(home, '.ssh', 'known_hosts');
  values.BUILDCACHE_URL ||= values.BUILDCACHE_SERVER ? `https://${values.BUILDCACHE_SERVER}` : '';
};

/**
 * Reads all settings: flag over environment over `ci-config.env` over the file of the tree's own steps over default; an empty environment
 * variable counts as not set. What the tree's file sets without asking the environment is stronger than it, see {@link chooseSource}.
 * All faults are gathered and shown together.
 *
 * @throws SETTINGS_INVALID, CONFIG_FILE_UNREADABLE
 */
export const loadSettings = async (input: SettingsInput): Promise<LoadedSettings> => {
  const faults: ConfigFault[] = [];
  const notes: Notes = { warnings: [], unread: [] };
  const flags: Source = { origin: { kind: 'flag' }, where: 'flag', texts: input.flags, base: input.cwd };
  const sources = [flags, environmentSource(input), ...(await fileSources(input))];
  checkKeys(sources, faults, notes.warnings);
  if (input.treeFile) warnOfUnread(input.treeFile, notes);
  const values: Record<string, string | number | boolean> = {};
  const origins: Record<string, Origin> = {};
  const home = input.env.HOME ?? input.cwd;
  for (const name of NAMES) {
    const spec: OptionSpec = SETTINGS[name];
    const source = chooseSource(name, sources, input.treeFile, input.cwd, notes);
    const text = source?.texts[name];
    values[name] = spec.default;
    origins[name] = source?.origin ?? { kind: 'default' };
    if (source === undefined || text === undefined || text === '') continue;
    const parsed = parseValue(spec, text, source.base, home);
    if ('value' in parsed) values[name] = parsed.value;
    else faults.push({ where: source === flags ? flagOf(name) : source.where, text: `${name}: ${parsed.fault}` });
  }
  if (faults.length > 0) throw slipwayError('SETTINGS_INVALID', { faults });
  absoluteDefaults(values, input);
  return { values: Object.freeze(values) as Settings, origins: origins as Record<SettingName, Origin>, ...notes };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** User and password in a URL; a user alone is a token. */
export const credentialsIn = (text: string): string[] => {
  const url = text.includes('@') ? URL.parse(text) : null;
  if (!url) return [];
  const secret = url.password || url.username;
  return secret === '' ? [] : [secret, decode(secret)];
};

/** Texts that must never be printed: secret settings, and passwords in URLs, if an operator put one there. */
export const secretsOf = (values: Settings): string[] => {
  const isSecret = (name: SettingName): boolean => (SETTINGS[name] as OptionSpec).secret ?? false;
  const secrets = NAMES.filter((name) => isSecret(name) && values[name] !== '').map((name) => String(values[name]));
  return [...secrets, ...NAMES.flatMap((name) => credentialsIn(String(values[name])))];
};
