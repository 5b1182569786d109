import { slipwayError } from '../../lib/errors/index.ts';
import { type CommandLine, type OwnFlag, parseCommandLine } from '../../lib/step/index.ts';
import { parseVersionNumber } from '../../lib/version/index.ts';

/** Its own flags; every setting is one, too. */
export const DIFF_FLAGS: readonly OwnFlag[] = [
  { flag: '--format', value: 'FORMAT', help: 'Compare the images of this vendor format; default: the generic image' },
  { flag: '--lists-only', help: 'Compare the published lists, and fetch no image' },
  { flag: '--repository', value: 'URL', help: 'Where the tags are; default: where the versions were built from' },
  { flag: '--markdown', help: 'Print Markdown, for release notes' },
  { flag: '--html', value: 'FILE', help: 'Also write a page with all of it' },
];

/** What the user asked for. */
export interface DiffRequest {
  /** Cache forms. */
  readonly before: string;
  readonly after: string;
  readonly format: string | undefined;
  readonly listsOnly: boolean;
  readonly repository: string | undefined;
  readonly markdown: boolean;
  readonly html: string | undefined;
  /** Given settings by name, as text. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly line: CommandLine;
}

/**
 * Reads the command line of `npm run diff`.
 *
 * @throws FLAG_UNKNOWN, FLAG_VALUE_MISSING, ARGUMENTS_WRONG, VERSION_INVALID
 */
export const parseDiffRequest = (argv: readonly string[]): DiffRequest => {
  const line = parseCommandLine(argv, 'diff', DIFF_FLAGS);
  const [before = '', after = '', ...more] = line.positionals;
  const {
    '--format': format,
    '--lists-only': listsOnly,
    '--repository': repository,
    '--markdown': markdown,
    '--html': html,
    ...settings
  } = line.flags;
  const rest = { format, repository, html, settings, line, listsOnly: listsOnly !== undefined };
  const request = { ...rest, markdown: markdown !== undefined };
  if (line.help || line.version) return { ...request, before, after };
  if (after === '' || more.length > 0 || (request.markdown && line.json))
    throw slipwayError('ARGUMENTS_WRONG', { step: 'diff', usage: 'diff [OPTION...] VERSION_A VERSION_B', seen: argv });
  return {
    ...request,
    before: parseVersionNumber(before).cacheForm,
    after: parseVersionNumber(after).cacheForm,
  };
};

/** What `npm run diff -- --help` prints. */
export const diffHelp = (): string =>
  [
    'diff: what is different between two published builds, for release notes and for finding out why',
    '',
    'Usage: npm run diff -- [OPTION...] VERSION_A VERSION_B',
    '',
    '  VERSION_A, VERSION_B   with or without channel, for example main-4890.0.0-nightly-20261120-1251',
    '',
    ...DIFF_FLAGS.map(({ flag, value, help }) => `  ${`${flag}${value ? ` ${value}` : ''}`.padEnd(20)}${help}`),
    '  --arch ARCH         Architecture; default amd64',
    '  --json              Print all of it as JSON',
    '',
    'Packages, sizes by package and by folder, kernel configuration, the git log between the tags, and the images from the top.',
    'Every setting of the steps is an option here too (npm run config -- show lists them).',
    '',
    'Exit codes: 0 done, whatever is different; 1 failed; 2 wrong use or settings; 3 something did not verify; 130, 143 interrupted',
    '',
  ].join('\n');
