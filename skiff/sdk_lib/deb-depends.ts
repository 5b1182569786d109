import fs from 'node:fs/promises';
import path from 'node:path';

async function isElf(file: string): Promise<boolean> {
  await using handle = await fs.open(file);
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.toString('latin1') === '\x7fELF';
}

/** @returns absolute paths of the programs and libraries below a folder */
export async function findElfFiles(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const elf = await Promise.all(files.map(isElf));
  return files.filter((_, index) => elf[index]).sort();
}

/**
 * Finds the packages of the shared libraries that programs need, with the least version that has all used symbols.
 * @param elfFiles absolute paths
 * @param workDir empty folder for the control file that dpkg-shlibdeps wants to see
 * @returns text for the Depends field, '' when nothing is needed
 */
export async function findLibraryDepends(elfFiles: string[], workDir: string): Promise<string> {
  if (elfFiles.length === 0) return '';
  await fs.mkdir(path.join(workDir, 'debian'), { recursive: true });
  await fs.writeFile(path.join(workDir, 'debian/control'), 'Source: skiff\n\nPackage: skiff\nArchitecture: any\n');
  const files = elfFiles.map((file) => `-e${file}`);
  const shown = await $({ quiet: true, cwd: workDir })`dpkg-shlibdeps --warnings=0 -O ${files}`;
  return /^shlibs:Depends=(.*)$/m.exec(shown.stdout)?.[1] ?? '';
}
