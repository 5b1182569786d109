import type { TapTest } from './types.ts';

/** Data for a diagnostics block; each value becomes one YAML entry, a list one entry with items. */
export type Diagnostics = Readonly<Record<string, string | number | readonly string[]>>;

/** What is written about one test. */
export interface TapEntry extends Omit<TapTest, 'diagnostics'> {
  readonly diagnostics?: Diagnostics;
}

/** Line ends would start a new TAP line; `#` would start a directive. */
const escapeTap = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\#]/g, (character) => `\\${character}`);

/** Any JSON string is a YAML string, on one line, whatever it contains. */
const quoted = (value: string | number): string => JSON.stringify(value);

/**
 * Lines of a YAML block for `data`.
 *
 * @example formatDiagnostics({ message: 'no', seen: ['a'] }) // ['message: "no"', 'seen:', '  - "a"']
 */
export const formatDiagnostics = (data: Diagnostics): string[] =>
  Object.entries(data).flatMap(([key, value]) =>
    typeof value === 'object'
      ? [`${key}:`, ...value.map((item) => `  - ${quoted(item)}`)]
      : [`${key}: ${quoted(value)}`],
  );

const directiveOf = ({ directive }: TapEntry): string =>
  directive ? ` # ${directive.kind.toUpperCase()} ${escapeTap(directive.reason)}`.trimEnd() : '';

const formatTest = (test: TapEntry, number: number): string => {
  const point = `${test.ok ? 'ok' : 'not ok'} ${number} - ${escapeTap(test.name)}${directiveOf(test)}`;
  const block = test.diagnostics ? formatDiagnostics(test.diagnostics) : [];
  if (block.length === 0) return `${point}\n`;
  return [point, '  ---', ...block.map((line) => `  ${line}`), '  ...', ''].join('\n');
};

/**
 * Writes a TAP 14 document: version, plan, numbered results, a YAML block where a result has more to say. It is a valid
 * TAP 13 document too.
 *
 * @param comments lines at the head, for people
 */
export const formatTap = (tests: readonly TapEntry[], comments: readonly string[] = []): string => {
  const head = ['TAP version 14', `1..${tests.length}`, ...comments.map((line) => `# ${line.replaceAll(/\s+/g, ' ')}`)];
  return `${head.join('\n')}\n${tests.map((test, at) => formatTest(test, at + 1)).join('')}`;
};
