/** One setting: the single source of its flag, variable, key, default, `--help` line and documentation. */
export interface OptionSpec {
  /** `path` values are made absolute against the folder of the file (or the working directory) that they come from. */
  readonly type: 'string' | 'path' | 'integer' | 'boolean';
  /** Used when nobody sets it; `$NAME` in the text form stands for another setting. */
  readonly default: string | number | boolean;
  readonly help: string;
  /** Has no flag, because other users of the machine can read command lines, and is never printed. */
  readonly secret?: boolean;
}

/** A table of settings by name; the name is the environment variable and the key in `ci-config.env`. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<Spec extends OptionSpec> = Spec['type'] extends 'integer'
  ? number
  : Spec['type'] extends 'boolean'
    ? boolean
    : string;

/** The values of a table, typed; unset texts and paths are the empty string. */
export type ValuesOf<Table extends OptionTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

/**
 * The flag of a setting.
 *
 * @example flagOf('BUILDCACHE_SSH_PORT') // '--buildcache-ssh-port'
 */
export const flagOf = (name: string): string => `--${name.toLowerCase().replaceAll('_', '-')}`;
