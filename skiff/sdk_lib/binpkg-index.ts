import fs from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** One line of the board's index.json: a package of this build, and whether it had to be built. */
export interface BuiltPackage {
  name: string;
  version: string;
  key: string;
  /** file name in the pkgs folder */
  file: string;
  sha256: string;
  sizeBytes: number;
  how: 'built' | 'reused';
  why: string;
}

/** @returns usual name of a .deb: epochs do not belong into file names */
export function getDebName(name: string, version: string): string {
  return `${name}_${version.replace(/^\d+:/, '')}_amd64.deb`;
}

/** Writes Packages and Packages.gz, the index that apt reads. @param dir absolute path of the pkgs folder */
export async function writeAptIndex(dir: string): Promise<void> {
  const shown = await $({ quiet: true, cwd: dir })`apt-ftparchive packages .`;
  const text = shown.stdout.replaceAll(/^Filename: \.\//gm, 'Filename: ');
  await fs.writeFile(path.join(dir, 'Packages'), text);
  await fs.writeFile(path.join(dir, 'Packages.gz'), gzipSync(text, { level: 9 }));
}

/** Writes index.json. @param dir absolute path of the pkgs folder */
export async function writeBuildIndex(dir: string, packages: BuiltPackage[]): Promise<void> {
  await fs.writeFile(path.join(dir, 'index.json'), `${JSON.stringify(packages, null, 2)}\n`);
}
