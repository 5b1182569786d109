import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Recipe } from './recipe.ts';

/** What goes into the control file beside the recipe. */
export interface DebControl {
  version: string;
  maintainer: string;
  /** text for the Depends field */
  depends: string;
  /** text for Static-Built-Using: packages whose code is linked in */
  staticBuiltUsing: string;
}

/** Writes the control file's text. */
export function formatControl(recipe: Recipe, control: DebControl, installedKiB: number): string {
  const fields = {
    Package: recipe.name,
    Version: control.version,
    Architecture: 'amd64',
    Maintainer: control.maintainer,
    'Installed-Size': String(installedKiB),
    Depends: control.depends,
    'Static-Built-Using': control.staticBuiltUsing,
    Section: 'admin',
    Priority: 'optional',
    Homepage: recipe.homepage ?? '',
    License: recipe.license,
    Description: recipe.description + (recipe.details ? `\n ${recipe.details}` : ''),
  };
  const lines = Object.entries(fields).filter(([, value]) => value !== '');
  return lines.map(([name, value]) => `${name}: ${value}\n`).join('');
}

async function listFiles(root: string): Promise<string[]> {
  const entries = await fs.readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return files
    .map((file) => path.relative(root, file))
    .filter((file) => !file.startsWith('DEBIAN/'))
    .sort();
}

/**
 * Makes a .deb of a folder with the installed files. Equal files give an equal .deb: owners are root, times are at most
 * the epoch, dpkg-deb sorts.
 * @param root absolute path of the folder; DEBIAN/ is added to it
 * @param file absolute path of the .deb to write
 * @param epoch SOURCE_DATE_EPOCH, seconds
 */
export async function packDeb(
  root: string,
  file: string,
  recipe: Recipe,
  control: DebControl,
  epoch: number,
): Promise<void> {
  const files = await listFiles(root);
  let sizeBytes = 0;
  const sums: string[] = [];
  for (const name of files) {
    const content = await fs.readFile(path.join(root, name));
    sizeBytes += content.length;
    sums.push(`${createHash('md5').update(content).digest('hex')}  ${name}\n`);
  }
  const debian = path.join(root, 'DEBIAN');
  await fs.mkdir(debian);
  await fs.writeFile(path.join(debian, 'control'), formatControl(recipe, control, Math.ceil(sizeBytes / 1024)));
  await fs.writeFile(path.join(debian, 'md5sums'), sums.join(''));
  await $({ quiet: true })`find ${root} -exec touch -h -d ${`@${epoch}`} {} +`;
  await $({ quiet: true })`chmod -R go-w,a+rX ${root}`;
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  await $({ quiet: true, env })`dpkg-deb --root-owner-group --threads-max=1 -Zzstd -z9 --build ${root} ${file}`;
}
