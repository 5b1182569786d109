import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';

/** Debian's short licence names -> SPDX identifiers (image/licences.yaml). */
export type LicenceNames = Record<string, string>;

/**
 * Reads the licence names of a package out of its machine-readable copyright file.
 * @param root root filesystem of the target
 * @param name package name
 * @returns names as Debian writes them, without repetition; empty when the file is missing or has no fixed form
 */
export async function readLicences(root: string, name: string): Promise<string[]> {
  const file = path.join(root, 'usr/share/doc', name, 'copyright');
  const text = await fs.readFile(file, 'utf8').catch(() => '');
  if (!/^Format:.*copyright-format\/1\.0/m.test(text)) return [];
  // Paragraphs with Files: say what applies; the others only give the licence's text.
  const paragraphs = text.split(/\n\s*\n/).filter((paragraph) => /^(Files|Format):/m.test(paragraph));
  const names = paragraphs.flatMap((paragraph) => /^License:[ \t]*(\S.*)$/m.exec(paragraph)?.[1]?.trim() ?? []);
  return [...new Set(names)].toSorted(compareText);
}

/**
 * Turns a Debian licence line into an SPDX expression.
 * @param line for example `GPL-2+ or MIT`
 * @returns for example `GPL-2.0-or-later OR MIT`; names without an SPDX identifier become `LicenseRef-NAME`
 */
export function toSpdxExpression(line: string, names: LicenceNames): string {
  const whole = names[line.toLowerCase()];
  if (whole) return whole;
  const parts = line.replaceAll(',', ' ').split(/\s+(and\/or|and|or)\s+/i);
  const translated = parts.map((part, index) => {
    if (index % 2 === 1) return part.toLowerCase() === 'and' ? 'AND' : 'OR';
    const name = part.trim();
    return (
      names[name.toLowerCase()] ?? `LicenseRef-${name.replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-|-$/g, '')}`
    );
  });
  return parts.length > 1 ? `(${translated.join(' ')})` : (translated[0] ?? 'NOASSERTION');
}
