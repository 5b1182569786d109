/**
 * In a packages container: completes the board's packages folder to an apt repository, for developers who want to add
 * packages to a running system or to their own image. The Release file is what a signature covers.
 * Reads:  /build/BOARD/var/lib/skiff/pkgs/
 * Writes: Release in there
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type BuiltPackage, writeAptIndex } from './binpkg-index.ts';
import { getSourceDateEpoch } from './epoch.ts';
import { Fault, runMain } from './fault.ts';
import { hashFile } from './hash.ts';
import { log } from './log.ts';
import { readBoard, readOptions } from './options.ts';
import { boards, getBoardDir } from './tree.ts';
import { readTreeVersion } from './version.ts';

const usage = './build_dev_binpkgs --board=BOARD';

/** Checks that every package of the index is there, unchanged. */
async function checkPackages(dir: string): Promise<BuiltPackage[]> {
  const text = await fs.readFile(path.join(dir, 'index.json'), 'utf8').catch(() => {
    throw new Fault(`${dir} has no index.json`, 'run ./build_packages first, in the same container');
  });
  const packages = JSON.parse(text) as BuiltPackage[];
  for (const { file, sha256 } of packages) {
    const actual = await hashFile(path.join(dir, path.basename(file))).catch(() => 'no file');
    if (actual !== sha256)
      throw new Fault(`${file}: expected sha256 ${sha256}, found ${actual}`, 'run ./build_packages');
  }
  return packages;
}

/** Writes the Release file: what this repository is, and the digests of its indexes. */
async function writeRelease(dir: string): Promise<void> {
  const { version } = await readTreeVersion();
  const date = new Date((await getSourceDateEpoch()) * 1000).toUTCString().replace('GMT', 'UTC');
  const names = ['Packages', 'Packages.gz'];
  const sums = await Promise.all(
    names.map(async (name) => {
      const file = path.join(dir, name);
      return ` ${await hashFile(file)} ${String((await fs.stat(file)).size).padStart(8)} ${name}\n`;
    }),
  );
  const fields = [
    'Origin: Skiff',
    'Label: Skiff',
    'Suite: dev',
    `Version: ${version}`,
    'Architectures: amd64',
    `Date: ${date}`,
  ];
  await fs.writeFile(path.join(dir, 'Release'), `${fields.join('\n')}\nSHA256:\n${sums.join('')}`);
}

await runMain('build_dev_binpkgs', async (args) => {
  const { values } = readOptions(args, usage, { board: { type: 'string' } });
  const dir = path.join(getBoardDir(readBoard(values.board, boards)), 'var/lib/skiff/pkgs');
  const packages = await checkPackages(dir);
  await writeAptIndex(dir);
  await writeRelease(dir);
  log(`${dir} is an apt repository of ${packages.length} packages; sign Release for others to trust it`);
  return undefined;
});
