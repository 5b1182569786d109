import fs from 'node:fs/promises';
import path from 'node:path';
import { Fault } from './fault.ts';

/** One package that the image is made of. */
export interface ImagePackage {
  name: string;
  version: string;
  architecture: string;
  /** source package */
  source: string;
  /** version of the source package */
  sourceVersion?: string;
  /** SPDX expression in the control data; Debian's own packages have none there */
  licence?: string;
  /** digest of the .deb, 64 hex; undefined when the SDK did not keep it */
  sha256?: string;
  /** who made the binary: Debian, or a recipe of this tree */
  origin: 'debian' | 'skiff';
  /** paths that the package brings, relative to the root, without folders that other packages share */
  files: string[];
  /** package relations as in the control file */
  depends: string;
  provides: string;
}

/** One line of index.json of the binary packages. */
export interface BuiltPackage {
  name: string;
  version: string;
  file: string;
  sha256: string;
}

/** One line of base.packages.json. */
export interface BasePackage {
  name: string;
  version: string;
  architecture: string;
  source: string;
  sourceVersion: string;
  sha256: string;
}

/**
 * Parses control data: fields of one stanza, continuation lines joined to their field.
 * @param text one stanza of a control file or of dpkg's status file
 */
export function parseControl(text: string): Partial<Record<string, string>> {
  const fields = text.replaceAll(/\n[ \t]/g, ' ').matchAll(/^([A-Za-z0-9-]+):[ \t]*(.*)$/gm);
  return Object.fromEntries([...fields].map(([, key = '', value = '']) => [key, value]));
}

/** Path of a package's file as it is in a root where /bin, /sbin and /lib* are links into /usr. */
export function toMergedPath(file: string): string {
  return file.replace(/^\.?\/+/, '').replace(/^(bin|sbin|lib(32|64|x32)?)\//, 'usr/$1/');
}

function toPackage(
  fields: Partial<Record<string, string>>,
  files: string[],
  origin: ImagePackage['origin'],
): ImagePackage {
  const { Package: name = '', Version: version = '', Architecture: architecture = '' } = fields;
  const source = fields.Source?.split(' ')[0] ?? name;
  const depends = [fields['Pre-Depends'], fields.Depends].filter(Boolean).join(', ');
  return {
    name,
    version,
    architecture,
    source,
    origin,
    files,
    depends,
    provides: fields.Provides ?? '',
    licence: fields.License,
  };
}

/**
 * Reads dpkg's database of a root filesystem.
 * @param root absolute path; must still have var/lib/dpkg
 * @returns installed packages with the files they own
 */
export async function readInstalled(root: string): Promise<ImagePackage[]> {
  const database = path.join(root, 'var/lib/dpkg');
  const status = await fs.readFile(path.join(database, 'status'), 'utf8');
  const stanzas = status.split('\n\n').map(parseControl);
  const installed = stanzas.filter((fields) => fields.Status?.endsWith(' installed'));
  return Promise.all(
    installed.map(async (fields) => {
      // Packages that may be installed for several architectures have that in the name of their list.
      const names = [`${fields.Package}.list`, `${fields.Package}:${fields.Architecture}.list`];
      const lists = names.map((name) => fs.readFile(path.join(database, 'info', name), 'utf8').catch(() => ''));
      const files = (await Promise.all(lists)).join('').split('\n').map(toMergedPath);
      return toPackage(fields, files, 'debian');
    }),
  );
}

/**
 * Reads the control data and the file list of one .deb.
 * @param file absolute path
 */
export async function readDeb(file: string, origin: ImagePackage['origin']): Promise<ImagePackage> {
  const run = $({ quiet: true });
  const [control, contents] = await Promise.all([
    run`dpkg-deb --field ${file}`,
    run`dpkg-deb --fsys-tarfile ${file} | tar -t`,
  ]);
  return toPackage(parseControl(control.stdout), contents.stdout.split('\n').map(toMergedPath), origin);
}

/** Names in a relation field such as `a (>= 1) | b, c:any`: alternatives inside each requirement. */
export function parseRelations(text: string): string[][] {
  const requirements = text.split(',').map((requirement) => requirement.trim());
  return requirements
    .filter((requirement) => requirement !== '')
    .map((requirement) => requirement.split('|').map((name) => name.trim().replace(/[ :(].*$/, '')));
}

/**
 * Checks that what our packages depend on is in the image: they are unpacked without a resolver.
 * @param built packages from recipes
 * @param all everything in the image, with them
 * @throws Fault that names every requirement nothing fulfils
 */
export function checkDependencies(built: ImagePackage[], all: ImagePackage[]): void {
  const known = new Set(all.flatMap(({ name, provides }) => [name, ...parseRelations(provides).flat()]));
  const missing = built.flatMap(({ name, depends }) =>
    parseRelations(depends)
      .filter((names) => !names.some((alternative) => known.has(alternative)))
      .map((names) => `${name} depends on ${names.join(' | ')}`),
  );
  if (missing.length > 0) {
    throw new Fault(`${missing.join('\n')}\nbut that is not in the image`, 'add it to image/base.yaml, or as a recipe');
  }
}
