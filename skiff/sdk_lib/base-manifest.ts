import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import { distfilesDir } from './tree.ts';

/** One Debian package of the target's root filesystem. */
export interface BasePackage {
  name: string;
  version: string;
  architecture: string;
  /** source package it was built from, and that one's version */
  source: string;
  sourceVersion: string;
  /** of the .deb file, 64 hex */
  sha256: string;
}

/**
 * Parses an apt Packages index.
 * @param text stanzas separated by empty lines
 * @returns packages by name; stanzas without the needed fields are left out
 */
export function parsePackagesIndex(text: string): Map<string, BasePackage> {
  const found = new Map<string, BasePackage>();
  for (const stanza of text.split('\n\n')) {
    const read = (field: string): string | undefined => new RegExp(`^${field}: (.*)$`, 'm').exec(stanza)?.[1];
    const [name, version, architecture, sha256] = ['Package', 'Version', 'Architecture', 'SHA256'].map(read);
    if (!name || !version || !architecture || !sha256) continue;
    const [, source = name, sourceVersion = version] = /^(\S+)(?: \((.*)\))?$/.exec(read('Source') ?? name) ?? [];
    found.set(name, { name, version, architecture, source, sourceVersion, sha256 });
  }
  return found;
}

/**
 * Writes the list of the Debian packages in the target's root filesystem.
 * @param root absolute path of that root
 * @param file absolute path of the JSON file to write
 */
export async function writeBasePackages(root: string, file: string): Promise<void> {
  const index = parsePackagesIndex(await fs.readFile(path.join(distfilesDir, 'base/Packages'), 'utf8'));
  const format = '--showformat=${Package}\\n';
  const shown = await $({ quiet: true })`dpkg-query --root=${root} --show ${format}`;
  const names = [...new Set(shown.stdout.trim().split('\n'))].sort(compareText);
  const packages = names.flatMap((name) => index.get(name) ?? []);
  await fs.writeFile(file, `${JSON.stringify(packages, null, 2)}\n`);
}
