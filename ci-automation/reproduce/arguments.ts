import { slipwayError } from '../../lib/errors/index.ts';
import { type CommandLine, type OwnFlag, parseCommandLine } from '../../lib/step/index.ts';
import { parseVersionNumber } from '../../lib/version/index.ts';

/** Steps that can be run again, in the order of the pipeline. */
export const STEPS = ['sdk_bootstrap', 'sdk_container', 'packages', 'image', 'vms'] as const;

/** One of {@link STEPS}. */
export type StepName = (typeof STEPS)[number];

/** Those that nobody named: what a user of an image has. */
const DEFAULT_STEPS: readonly StepName[] = ['image', 'vms'];

/** Stands for the newest version in the cache. */
export const LATEST = 'latest';

/** Its own flags; every setting is one, too. */
export const REPRODUCE_FLAGS: readonly OwnFlag[] = [
  { flag: '--repository', value: 'URL', help: 'Clone from here; default: where the version was built from' },
  { flag: '--formats', value: 'LIST', help: 'Of vms only the runs that made these formats, separated by commas' },
  { flag: '--from-scratch', help: 'Build everything that the steps consumed, too, from the SDK on' },
  {
    flag: '--fetch-only',
    help: 'Only fetch what is needed, the published artifacts too, for going on without a network',
  },
  { flag: '--offline', help: 'Use what an earlier call has fetched, and nothing else' },
  { flag: '--html', value: 'FILE', help: 'Where the report goes; default: report.html in the work folder' },
];

/** What the user asked for. */
export interface ReproduceRequest {
  /** Cache form, or {@link LATEST}. */
  readonly version: string;
  readonly steps: readonly StepName[];
  /** Whether steps were named. */
  readonly areStepsNamed: boolean;
  readonly formats: readonly string[] | undefined;
  readonly repository: string | undefined;
  readonly fromScratch: boolean;
  readonly fetchOnly: boolean;
  readonly offline: boolean;
  readonly html: string | undefined;
  /** Given settings by name, as text. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly line: CommandLine;
}

const isStep = (word: string): word is StepName => (STEPS as readonly string[]).includes(word);

const USAGE = 'VERSION [STEP...]';

/**
 * Reads the command line of `npm run reproduce`.
 *
 * @throws FLAG_UNKNOWN, FLAG_VALUE_MISSING, ARGUMENTS_WRONG, STEP_UNKNOWN, VERSION_INVALID
 */
export const parseReproduceRequest = (argv: readonly string[]): ReproduceRequest => {
  const line = parseCommandLine(argv, 'reproduce', REPRODUCE_FLAGS);
  const [version, ...steps] = line.positionals;
  const {
    '--repository': repository,
    '--formats': formats,
    '--from-scratch': fromScratch,
    '--fetch-only': fetchOnly,
    '--offline': offline,
    '--html': html,
    ...settings
  } = line.flags;
  const base = {
    formats: formats?.split(',').filter((format) => format !== ''),
    repository,
    fromScratch: fromScratch !== undefined,
    fetchOnly: fetchOnly !== undefined,
    offline: offline !== undefined,
    html,
    settings,
    line,
  };
  if (line.help || line.version) return { ...base, version: LATEST, steps: DEFAULT_STEPS, areStepsNamed: false };
  if (version === undefined || (base.fetchOnly && base.offline))
    throw slipwayError('ARGUMENTS_WRONG', { step: 'reproduce', usage: `reproduce [OPTION...] ${USAGE}`, seen: argv });
  const unknown = steps.find((step) => !isStep(step));
  if (unknown !== undefined) throw slipwayError('STEP_UNKNOWN', { step: unknown, known: STEPS });
  return {
    ...base,
    version: version === LATEST ? LATEST : parseVersionNumber(version).cacheForm,
    steps: steps.length > 0 ? steps.filter(isStep) : DEFAULT_STEPS,
    areStepsNamed: steps.length > 0,
  };
};

/** What `npm run reproduce -- --help` prints. */
export const reproduceHelp = (): string =>
  [
    'reproduce: builds a published version again on this machine, with the same step scripts, and compares it with what is published',
    '',
    `Usage: npm run reproduce -- [OPTION...] ${USAGE}`,
    '',
    "  VERSION   with or without channel, for example main-4890.0.0-nightly-20261120-1251; 'latest' is the newest one in the cache",
    `  STEP      ${STEPS.join(', ')}; default: ${DEFAULT_STEPS.join(' and ')}, as far as they were run`,
    '',
    ...REPRODUCE_FLAGS.map(({ flag, value, help }) => `  ${`${flag}${value ? ` ${value}` : ''}`.padEnd(20)}${help}`),
    '  --config FILE       Read this ci-config.env instead of the usual ones',
    '',
    'It reads the cache that the BUILDCACHE_ settings name and writes to none; no key is needed, and nothing is pushed.',
    'Every setting of the steps is an option here too (npm run config -- show lists them), for example --buildcache-dir DIR.',
    '',
    'Exit codes: 0 identical; 1 something differs or a step failed; 2 wrong use or settings; 3 something did not verify; 130, 143 interrupted',
    '',
  ].join('\n');
