import { platformsOf, type TestCase } from '../results.ts';
import type { TestResult } from '../types.ts';
import type { ReportFacts } from './facts.ts';

const MARKS = { passed: '🟢 ok', failed: '❌ not ok', skipped: '⚪ skipped' } as const;

/** Names and messages are text, not markup; an underscore inside a word is none. */
const MARKUP = /[\\`*{}[\]<>#|~&]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

const escapeMarkdown = (text: string): string =>
  text.replaceAll(/\s+/g, ' ').replaceAll(MARKUP, (character) => `&#${character.codePointAt(0)};`);

/** `platform (run, run); platform (run)` of the results with one outcome. */
const formatRuns = (label: string, results: readonly TestResult[], outcome: TestResult['outcome']): string => {
  const runs = new Map<string, number[]>();
  for (const one of results.filter((result) => result.outcome === outcome)) {
    runs.set(one.platform, [...(runs.get(one.platform) ?? []), one.run]);
  }
  if (runs.size === 0) return '';
  const places = [...runs].map(([platform, numbers]) => `${escapeMarkdown(platform)} (${numbers.join(', ')})`);
  return `; ${label}: ${places.join('; ')}`;
};

/** An indented code block shows anything as it is, so nothing in it can end it. */
const formatDetails = ({ results }: TestCase): string[] => {
  const failures = results.filter(({ outcome }) => outcome === 'failed');
  if (failures.length === 0) return [];
  const blocks = failures.flatMap(({ platform, run, message = '', details = [] }) => [
    `Error messages for ${escapeMarkdown(platform)}, run ${run}:`,
    '',
    ...[message, ...details].flatMap((text) => text.split(/\r?\n|\r/)).map((line) => `    ${line}`),
    '',
  ]);
  return [
    '',
    '  <details><summary>What was seen</summary>',
    '',
    ...blocks.map((line) => (line ? `  ${line}` : '')),
    '  </details>',
    '',
  ];
};

const formatCase = (one: TestCase): string[] => {
  const { name, verdict, results } = one;
  const said = results.findLast(({ outcome }) => outcome === verdict)?.message;
  const reason = verdict !== 'failed' && said !== undefined ? `: ${escapeMarkdown(said)}` : '';
  const runs = formatRuns('Succeeded', results, 'passed') + formatRuns('Failed', results, 'failed');
  return [`* ${MARKS[verdict]} **${escapeMarkdown(name)}**${reason}${runs}`, ...formatDetails(one)];
};

const isBad = ({ verdict }: TestCase): boolean => verdict === 'failed';

/** The verdicts for people, failures first. */
export const formatMarkdown = (cases: readonly TestCase[], { version, arch }: ReportFacts): string => {
  const platforms = platformsOf(cases);
  const ordered = [...cases.filter(isBad), ...cases.filter((one) => !isBad(one))];
  const head = [`### Test report for ${version} / ${arch}`, '', `**Platforms tested** : ${platforms.join(' ')}`, ''];
  return `${[...head, ...ordered.flatMap(formatCase)].join('\n')}\n`;
};
