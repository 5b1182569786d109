import { listRuns, numberLines, type Report, type ReportOptions, shownFailures } from './report-lines.ts';
import type { VendorTestCase } from './tally.ts';

const formatCase = (one: VendorTestCase, options: ReportOptions): string[] => {
  const [succeeded, failed] = [listRuns(one.runs, true), listRuns(one.runs, false)];
  return [
    `${one.ok ? 'ok' : 'not ok'} - ${one.name}`,
    '   ---',
    ...(succeeded === '' ? [] : [`   Succeeded: ${succeeded}`]),
    ...(failed === '' ? [] : [`   Failed: ${failed}`]),
    ...shownFailures(one, options).flatMap(({ vendor, run, output }) => [
      `   Error messages for ${vendor}, run ${run}:`,
      ...numberLines(output),
    ]),
    '   ...',
  ];
};

/** The TAP report over all vendors. Its first result says what was tested, and is not a test. */
export const formatTapReport: Report = (cases, options) => {
  const { version, arch, vendors } = options;
  const head = [
    `1..${cases.length + 1}`,
    `ok - Version: ${version}, Architecture: ${arch}`,
    '   ---',
    `   Platforms tested: ${vendors.map((vendor) => `${vendor} `).join('')}`,
    '   ...',
  ];
  return `${[...head, ...cases.flatMap((one) => formatCase(one, options))].join('\n')}\n`;
};
