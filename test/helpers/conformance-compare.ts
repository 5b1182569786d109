import { describeCache, withoutTime } from './conformance-cache.ts';
import { ownContainers, ownImages } from './conformance-docker.ts';
import type { Side } from './conformance-step.ts';
import type { ConformanceWorld } from './conformance-world.ts';

/** What counts of a world after a scenario: `kind:name` to a text. */
export type Account = Readonly<Record<string, string>>;

const numbered = (kind: string, lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(lines.map((line, at) => [`${kind}:${String(at + 1).padStart(2, '0')}`, line]));

const linesOf = (text: string): string[] => text.split('\n').filter(Boolean);

const refsOf = (world: ConformanceWorld, where: 'origin' | 'clone'): Record<string, string> => {
  const format = '--format=%(refname)%09%(objecttype) %(objectname) %(*objectname) %(contents:subject)';
  const folder = where === 'origin' ? world.origin : world.tree;
  const lines = linesOf(world.git('-C', folder, 'for-each-ref', format, 'refs/heads', 'refs/tags'));
  const entries = lines.map((line): [string, string] => {
    const [name = '', text = ''] = line.split('\t');
    const [type, object, commit] = text.split(' ');
    // The object of a signed tag has the signature in it.
    return [
      `${where}:${name}`,
      type === 'tag' ? `signed tag of ${commit} ${text.split(' ').slice(3).join(' ')}` : `${type} ${object}`,
    ];
  });
  return Object.fromEntries(entries);
};

/** What a stand-in wrote before the words of its call. */
const ENVIRONMENT = /^(?:[A-Z_]+=\S* )*/;

/** Variables of the calls, with the numbers of the calls that had them. */
const environmentOf = (calls: readonly string[]): Record<string, string> => {
  const seen: Record<string, string> = {};
  for (const [at, line] of calls.entries()) {
    for (const variable of (ENVIRONMENT.exec(line)?.[0] ?? '').split(' ').filter(Boolean)) {
      seen[`environment:${variable}`] = `${seen[`environment:${variable}`] ?? 'calls'} ${at + 1}`;
    }
  }
  return seen;
};

/** Ignored in a real tree, or output that is in the cache too. */
const UNIMPORTANT = /^\?\? "?(__build__\/|images\/|images-in\/|sdk_container\/\.(cache|sdkenv))/;

/** Everything that a scenario left: git, cache, engine, workspace, and what the stand-ins wrote down. */
export const accountOf = (world: ConformanceWorld): Account => {
  const head = world.git('log', '-1', '--format=%H%n%an <%ae>%n%cn <%ce>%n%B');
  const status = linesOf(world.git('status', '--porcelain', '--untracked-files=all'));
  const calls = linesOf(world.read('calls'));
  const branch = world.git('rev-parse', '--abbrev-ref', 'HEAD');
  return {
    ...refsOf(world, 'origin'),
    ...refsOf(world, 'clone'),
    'clone:HEAD': `${branch}: ${head}`,
    'clone:user': `${world.git('config', '--default', '', '--get', 'user.name')} ${world.git('config', '--default', '', '--get', 'user.email')}`,
    'clone:version file': world.read('tree/sdk_container/.repo/manifests/version.txt'),
    ...Object.fromEntries(
      status
        .filter((line) => !UNIMPORTANT.test(line))
        .map((line) => [`workspace:${withoutTime(line.slice(3))}`, line.slice(0, 2)]),
    ),
    ...Object.fromEntries(
      Object.entries(describeCache(world.cache, world.key)).map(([path, text]) => [`cache:${path}`, text]),
    ),
    ...numbered(
      'call',
      calls.map((line) => line.replace(ENVIRONMENT, '')),
    ),
    ...environmentOf(calls),
    ...numbered('cleanup', linesOf(world.read('tree/ci-cleanup.sh'))),
    'skip-build': world.exists('tree/skip-build')
      ? `there: ${JSON.stringify(world.read('tree/skip-build'))}`
      : 'not there',
    'engine:images': ownImages(world.stage).join('\n'),
    'engine:containers': ownContainers(world.stage).join('\n'),
  };
};

/** One difference between the two accounts. */
export interface Difference {
  readonly name: string;
  readonly bash: string | undefined;
  readonly slipway: string | undefined;
}

/** What differs, sorted by name. */
export const differencesOf = (bash: Account, slipway: Account): Difference[] =>
  [...new Set([...Object.keys(bash), ...Object.keys(slipway)])]
    .filter((name) => bash[name] !== slipway[name])
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ name, bash: bash[name], slipway: slipway[name] }));

const indent = (text: string | undefined): string =>
  text === undefined ? '(nothing)' : text.replaceAll('\n', '\n      ');

/** A list for people. */
export const differencesText = (differences: readonly Difference[]): string =>
  differences
    .map(({ name, bash, slipway }) => `${name}\n  -bash ${indent(bash)}\n  +ours ${indent(slipway)}`)
    .join('\n');

/** A difference that is meant to be. */
export interface Intended {
  /** Of the names. */
  readonly name: RegExp;
  readonly why: string;
}

/** What came of a scenario on both sides. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly slipway: Account;
}

/** Runs the same scenario on both sides, each on a fresh stage. */
export const compareSides = async (
  open: () => ConformanceWorld,
  scenario: (world: ConformanceWorld, side: Side, note: (name: string, text: string) => void) => Promise<void>,
): Promise<Comparison> => {
  const accounts: Account[] = [];
  for (const side of ['bash', 'slipway'] as const) {
    const world = open();
    const notes: Record<string, string> = {};
    await scenario(world, side, (name, text) => {
      notes[name] = text;
    });
    accounts.push({ ...accountOf(world), ...notes });
  }
  const [bash = {}, slipway = {}] = accounts;
  return { differences: differencesOf(bash, slipway), slipway };
};
