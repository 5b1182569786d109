import { slipwayError } from '../../lib/errors/index.ts';
import { type OwnFlag, parseCommandLine } from '../../lib/step/index.ts';
import { parseVersion, type Version } from '../../lib/version/index.ts';

/** The steps of a nightly, in order. */
export const NIGHTLY_STEPS = ['sdk_bootstrap', 'sdk_container', 'packages', 'image', 'vms', 'test'] as const;

/** One of the steps of a nightly. */
export type NightlyStep = (typeof NIGHTLY_STEPS)[number];

/** Options of `npm run nightly`. */
export const NIGHTLY_FLAGS: readonly OwnFlag[] = [
  { flag: '--tag', value: 'VERSION', help: 'Build under this version instead of a new nightly version' },
  { flag: '--from', value: 'STEP', help: `Start at this step of the last build: ${NIGHTLY_STEPS.join(', ')}` },
  { flag: '--formats', value: 'LIST', help: 'Vendor formats, separated by commas; default all that the tree knows' },
  { flag: '--keep', help: 'Keep the containers of the steps, for looking into' },
];

/** What the user asked for. */
export interface NightlyRequest {
  readonly tag: Version | undefined;
  readonly from: NightlyStep | undefined;
  readonly formats: readonly string[] | undefined;
  readonly keep: boolean;
  readonly help: boolean;
  /** Given settings by name, as text. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** Of `--config`. */
  readonly config: string | undefined;
}

const isNightlyStep = (name: string): name is NightlyStep => (NIGHTLY_STEPS as readonly string[]).includes(name);

const parseFrom = (name: string | undefined): NightlyStep | undefined => {
  if (name === undefined || isNightlyStep(name)) return name;
  throw slipwayError('STEP_UNKNOWN', { step: name, known: NIGHTLY_STEPS });
};

/**
 * Reads the command line of `npm run nightly`.
 *
 * @throws FLAG_UNKNOWN, FLAG_VALUE_MISSING, ARGUMENTS_WRONG, STEP_UNKNOWN, VERSION_INVALID
 */
export const parseNightlyRequest = (argv: readonly string[]): NightlyRequest => {
  const line = parseCommandLine(argv, 'nightly', NIGHTLY_FLAGS);
  if (line.positionals.length > 0) {
    throw slipwayError('ARGUMENTS_WRONG', { step: 'nightly', usage: 'nightly [OPTION...]', seen: line.positionals });
  }
  const { '--tag': tag, '--from': from, '--formats': formats, '--keep': keep, ...settings } = line.flags;
  return {
    tag: tag === undefined ? undefined : parseVersion(tag),
    from: parseFrom(from),
    formats: formats?.split(',').filter((format) => format !== ''),
    keep: keep !== undefined,
    help: line.help,
    settings,
    config: line.config,
  };
};

const flagLine = ({ flag, value, help }: OwnFlag): string =>
  `  ${`${flag}${value ? ` ${value}` : ''}`.padEnd(18)}${help}`;

/** The text of `npm run nightly -- --help`. */
export const nightlyHelp = (): string =>
  [
    'nightly: builds, publishes and boots the OS of skiff/ on this machine, with all five steps',
    '',
    'Usage: npm run nightly -- [OPTION...]',
    '',
    ...NIGHTLY_FLAGS.map(flagLine),
    '  --arch ARCH       Architecture; default amd64',
    '  --config FILE     Read this ci-config.env instead of the usual ones',
    '',
    'Every setting of the steps is an option here too (npm run config -- show lists them), for example --buildcache-dir DIR.',
    '',
  ].join('\n');
