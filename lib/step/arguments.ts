import { flagOf, nearest, type OptionSpec, SETTINGS } from '../config/index.ts';
import { slipwayError } from '../errors/index.ts';

/** What a command line of a step says. */
export interface CommandLine {
  readonly positionals: readonly string[];
  /** Given settings by name, as text. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly help: boolean;
  readonly version: boolean;
  /** Print every effect and change nothing. */
  readonly plan: boolean;
  /** Events as JSON lines instead of text. */
  readonly json: boolean;
  /** Path of a `ci-config.env` to use instead of the usual ones. */
  readonly config: string | undefined;
}

/** A flag of one command only. */
export interface OwnFlag {
  /** With the dashes, for example `--tag`. */
  readonly flag: string;
  /** What stands for the value in the help; a flag without takes none. */
  readonly value?: string;
  /** May be given several times; the values are joined with commas. Default: the last one counts. */
  readonly repeatable?: boolean;
  readonly help: string;
}

/** Flags that every command has. */
export const COMMON_FLAGS: readonly OwnFlag[] = [
  { flag: '--help', help: 'Print this text' },
  { flag: '--version', help: "Print Slipway's version" },
  { flag: '--plan', help: 'Print every effect that the step would have and change nothing' },
  { flag: '--json', help: 'Write events as JSON lines to standard error' },
  { flag: '--config', value: 'FILE', help: 'Read this ci-config.env instead of the usual ones' },
];

interface KnownFlag {
  /** Key in the result: the name of a setting or the flag itself. */
  readonly key: string;
  readonly takesValue: boolean;
  readonly repeatable: boolean;
}

const knownFlags = (own: readonly OwnFlag[]): Map<string, KnownFlag> => {
  const known = new Map<string, KnownFlag>();
  for (const [name, spec] of Object.entries(SETTINGS) as [string, OptionSpec][]) {
    if (spec.secret) continue;
    known.set(flagOf(name), { key: name, takesValue: spec.type !== 'boolean', repeatable: false });
  }
  for (const { flag, value, repeatable = false } of [...COMMON_FLAGS, ...own])
    known.set(flag, { key: flag, takesValue: value !== undefined, repeatable });
  return known;
};

/**
 * Reads a command line: `--flag value`, `--flag=value`, `--` ends the flags, and flags may stand anywhere.
 *
 * @param step name for the error texts
 * @throws FLAG_UNKNOWN, FLAG_VALUE_MISSING
 */
export const parseCommandLine = (argv: readonly string[], step: string, own: readonly OwnFlag[] = []): CommandLine => {
  const known = knownFlags(own);
  const positionals: string[] = [];
  const given: Record<string, string | undefined> = {};
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      positionals.push(...words.splice(0));
      continue;
    }
    if (!word.startsWith('--')) {
      positionals.push(word);
      continue;
    }
    const [flag = '', inline] = word.split(/=(.*)/s, 2);
    const spec = known.get(flag);
    if (!spec) throw slipwayError('FLAG_UNKNOWN', { flag, step, nearest: nearest(flag, [...known.keys()]) });
    const value = inline ?? (spec.takesValue ? words.shift() : '1');
    if (value === undefined) throw slipwayError('FLAG_VALUE_MISSING', { flag, step });
    const earlier = spec.repeatable ? given[spec.key] : undefined;
    given[spec.key] = earlier === undefined ? value : `${earlier},${value}`;
  }
  const { '--help': help, '--version': version, '--plan': plan, '--json': json, '--config': config, ...flags } = given;
  const isOn = (text: string | undefined): boolean => text !== undefined;
  return { positionals, flags, help: isOn(help), version: isOn(version), plan: isOn(plan), json: isOn(json), config };
};
