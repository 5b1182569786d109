import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseVendorTap } from '../../../lib/vendor-tests/index.ts';
import type { VendorRecord } from '../../../lib/vendor-tests/types.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'vendor-tests');

/** One TAP file as one run of a vendor. */
export type FixtureRun = readonly [file: string, vendor: string, run: number];

/** Runs that the reports are compared on. Where vendors share a test, they do not share the number of a run: see defect 17. */
export const SCENES: Readonly<Record<string, readonly FixtureRun[]>> = {
  'one-run': [['first.tap', 'qemu', 1]],
  'two-runs': [
    ['first.tap', 'qemu', 1],
    ['second.tap', 'qemu', 2],
  ],
  'three-vendors': [
    ['odd.tap', 'qemu_uefi', 1],
    ['second.tap', 'aws', 2],
    ['first.tap', 'zvm', 10],
    ['first.tap', 'zvm', 9],
    ['first.tap', 'zvm', 3],
  ],
  odd: [['odd.tap', 'a-b', 7]],
};

/** Absolute path of a TAP file. */
export const fixtureFile = (name: string): string => join(FOLDER, name);

/** The records of the vendors of a scene. */
export const recordsOf = (scene: readonly FixtureRun[]): VendorRecord[] =>
  [...new Set(scene.map(([, vendor]) => vendor))].map((vendor) => ({
    vendor,
    runs: scene
      .filter(([, one]) => one === vendor)
      .map(([file, , run]) => ({ run, results: parseVendorTap(readFileSync(fixtureFile(file), 'latin1')).results })),
  }));
