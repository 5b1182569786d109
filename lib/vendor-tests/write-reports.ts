import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatJunitReport } from './report-junit.ts';
import { formatMarkdownReport } from './report-markdown.ts';
import { formatTapReport } from './report-tap.ts';
import { tallyTests } from './tally.ts';
import type { VendorRecord } from './types.ts';

/** Names of the reports of one vendor, as published. */
export const reportNames = (vendor: string): string[] => [
  `results-${vendor}.tap`,
  `results-${vendor}.md`,
  `results-${vendor}-detailed.tap`,
  `results-${vendor}-detailed.md`,
  `results-${vendor}.xml`,
];

/** A reader sees the whole file or none. */
const writeWhole = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
};

/** What the reports are made from. */
export interface ReportInput {
  /** Absolute path of the root of the tree. */
  readonly root: string;
  readonly arch: string;
  readonly version: string;
  /** Of all vendors, in the order in which they were run first. */
  readonly records: readonly VendorRecord[];
  /** The one whose reports these are. */
  readonly vendor: string;
  readonly startedAt: Date;
  /** Hides secrets. */
  readonly mask: (text: string) => string;
}

/**
 * Writes `results-VENDOR.{tap,md}` and `results-VENDOR-detailed.{tap,md}` over all vendors, and `results-VENDOR.xml` (JUnit) of this one,
 * in the root of the tree.
 */
export const writeReports = async (input: ReportInput): Promise<void> => {
  const { root, arch, version, records, vendor, startedAt, mask } = input;
  const cases = tallyTests(records);
  const vendors = records.map((record) => record.vendor);
  const write = (name: string, text: string): Promise<void> => writeWhole(join(root, name), mask(text));
  for (const detailed of [false, true]) {
    const options = { version, arch, vendors, detailed };
    const name = `results-${vendor}${detailed ? '-detailed' : ''}`;
    await write(`${name}.tap`, formatTapReport(cases, options));
    await write(`${name}.md`, formatMarkdownReport(cases, options));
  }
  const own = records.find((record) => record.vendor === vendor) ?? { vendor, runs: [] };
  await write(`results-${vendor}.xml`, formatJunitReport(own, { version, arch, startedAt }));
};
