import { listRuns, numberLines, type Report, type ReportOptions, shownFailures } from './report-lines.ts';
import type { TestRun, VendorTestCase } from './tally.ts';

const INDENT = '&nbsp;'.repeat(16);
const FENCE = '  ```';

const formatFailure = ({ vendor, run, output }: TestRun): string[] => [
  `<summary>${INDENT}Diagnostic output for ${vendor}, run ${run}</summary>`,
  '',
  FENCE,
  ...numberLines(output),
  FENCE,
  '',
];

const formatCase = (one: VendorTestCase, options: ReportOptions): string[] => {
  const [succeeded, failed] = [listRuns(one.runs, true), listRuns(one.runs, false)];
  const places = [
    ...(succeeded === '' ? [] : [`; Succeeded: ${succeeded}`]),
    ...(failed === '' ? [] : [`; Failed: ${failed}`]),
  ].join('');
  const verdict = ['', `${one.ok ? '🟢 ok' : '❌ not ok'} **${one.name}**${places}`];
  const failures = shownFailures(one, options);
  if (failures.length === 0) return verdict;
  return [...verdict, '', '<details>', '', ...failures.flatMap(formatFailure), '', '</details>', ''];
};

/** The report over all vendors for people. */
export const formatMarkdownReport: Report = (cases, options) => {
  const { version, arch, vendors } = options;
  const head = [
    `### Test report for ${version} / ${arch}`,
    '',
    `**Platforms tested** : ${vendors.map((vendor) => `${vendor} `).join('')}`,
  ];
  return `${[...head, ...cases.flatMap((one) => formatCase(one, options))].join('\n')}\n`;
};
