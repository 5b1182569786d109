import { slipwayError } from '../../lib/errors/index.ts';
import { type CommandLine, type OwnFlag, parseCommandLine } from '../../lib/step/index.ts';
import { parseVersionNumber } from '../../lib/version/index.ts';

/** Its own flags; every setting is one, too. */
export const BISECT_FLAGS: readonly OwnFlag[] = [
  {
    flag: '--test',
    value: 'NAME',
    repeatable: true,
    help: "Name or pattern of checks, such as 'usr.*'; may be given several times",
  },
  { flag: '--format', value: 'FORMAT', help: 'Image to boot; default: the generic image (image)' },
  { flag: '--repository', value: 'URL', help: 'Where the tags are; default: where the versions were built from' },
  { flag: '--forget', help: 'Test again what earlier searches have tested' },
];

/** What the user asked for. */
export interface BisectRequest {
  /** Cache forms. */
  readonly good: string;
  readonly bad: string;
  readonly tests: readonly string[];
  readonly format: string;
  readonly repository: string | undefined;
  readonly forget: boolean;
  /** Given settings by name, as text. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly line: CommandLine;
}

/** @throws FLAG_UNKNOWN, FLAG_VALUE_MISSING, ARGUMENTS_WRONG, VERSION_INVALID */
export const parseBisectRequest = (argv: readonly string[]): BisectRequest => {
  const line = parseCommandLine(argv, 'bisect', BISECT_FLAGS);
  const [good = '', bad = '', ...more] = line.positionals;
  const {
    '--test': test = '',
    '--format': format = 'image',
    '--repository': repository,
    '--forget': forget,
    ...settings
  } = line.flags;
  const tests = test.split(',').filter((name) => name !== '');
  const rest = { tests, format, repository, forget: forget !== undefined, settings, line };
  if (line.help || line.version) return { ...rest, good, bad };
  if (bad === '' || more.length > 0 || tests.length === 0)
    throw slipwayError('ARGUMENTS_WRONG', {
      step: 'bisect',
      usage: 'bisect GOOD BAD --test NAME [OPTION...]',
      seen: argv,
    });
  return { ...rest, good: parseVersionNumber(good).cacheForm, bad: parseVersionNumber(bad).cacheForm };
};

/** What `npm run bisect -- --help` prints. */
export const bisectHelp = (): string =>
  [
    'bisect: finds the first published build that fails a test, by booting builds between a good and a bad one',
    '',
    'Usage: npm run bisect -- GOOD BAD --test NAME [OPTION...]',
    '',
    '  GOOD, BAD   versions with or without channel; GOOD passes the test and BAD does not, which is tested first',
    '',
    ...BISECT_FLAGS.map(({ flag, value, help }) => `  ${`${flag}${value ? ` ${value}` : ''}`.padEnd(20)}${help}`),
    '  --arch ARCH         Architecture; default amd64',
    '  --json              The result as JSON',
    '',
    'Verdicts are remembered: after an interruption the same command goes on. Builds without the image are passed over.',
    'Every setting of the steps is an option here too (npm run config -- show lists them).',
    '',
    'Exit codes: 0 found; 1 failed, or GOOD is not good, or BAD not bad; 2 wrong use or settings; 3 something did not verify; 130, 143 interrupted',
    '',
  ].join('\n');
