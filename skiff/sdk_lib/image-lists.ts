import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import type { ImageJob } from './image-job.ts';
import type { ImagePackage } from './image-packages.ts';
import { run } from './image-run.ts';

/** One line for each package: name, version, architecture, who made it. */
export function formatPackages(packages: ImagePackage[]): string {
  return packages
    .map(({ name, version, architecture, origin }) => `${name} ${version} ${architecture} ${origin}\n`)
    .join('');
}

/**
 * Lists which package each file is from: what another build changed can then be told by package. A file that several packages bring
 * is the last one's, as when they are unpacked; what no package brings (links made for the image, the overlay) is not in it.
 * @param root absolute path of the image's root filesystem
 * @returns lines `package<TAB>path`, sorted by path
 */
export async function listFiles(root: string, packages: ImagePackage[]): Promise<string> {
  const owners = new Map(packages.flatMap(({ name, files }) => files.map((file) => [file, name] as const)));
  const present = await Promise.all(
    [...owners.keys()].map(async (file) => {
      const stats = await fs.lstat(path.join(root, file)).catch(() => undefined);
      return stats && !stats.isDirectory() ? file : undefined;
    }),
  );
  return present
    .filter((file) => file !== undefined)
    .toSorted(compareText)
    .map((file) => `${owners.get(file)}\t/${file}\n`)
    .join('');
}

const letters: Record<string, string> = { f: '-', d: 'd', l: 'l' };

function formatMode(type: string, octal: string): string {
  const mode = Number.parseInt(octal, 8);
  const bits = [...'rwxrwxrwx'].map((letter, index) => (mode & (0o400 >> index) ? letter : '-'));
  const special = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ] as const;
  for (const [bit, index, letter] of special) {
    if (mode & bit) bits[index] = bits[index] === '-' ? letter.toUpperCase() : letter;
  }
  return `${letters[type] ?? type}${bits.join('')}`;
}

/**
 * Lists every file of the image as `ls -l` would, without what changes from one machine to the next: sizes of folders,
 * link counts, times (all times in the image are the same).
 * @returns lines `mode uid gid size path`, sorted by path
 */
export async function listContents(job: ImageJob): Promise<string> {
  const format = '%P\\t%y\\t%m\\t%U\\t%G\\t%s\\t%l\\0';
  const { stdout } = await run(job)`find ${job.root} -mindepth 1 -printf ${format}`;
  const entries = stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const lines = entries.map(([file = '', type = '', mode = '', uid = '', gid = '', size = '', target = '']) => {
    const numbers = `${uid.padStart(4)} ${gid.padStart(4)} ${(type === 'd' ? '0' : size).padStart(10)}`;
    return { file, line: `${formatMode(type, mode)} ${numbers} /${file}${target ? ` -> ${target}` : ''}\n` };
  });
  return lines
    .toSorted((a, b) => compareText(a.file, b.file))
    .map(({ line }) => line)
    .join('');
}
