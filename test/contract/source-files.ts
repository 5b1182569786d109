import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Absolute path of the checkout. */
export const root = join(import.meta.dirname, '../..');

/** A source file of the project. */
export interface SourceFile {
  /** Below the checkout, for example `lib/log/mask.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
}

/** Without comments; good enough for code that a formatter has laid out. */
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[\s;{}(,])\/\/ .*$/gm, '$1');

/** The files that match, sorted by path. @param pattern below the checkout, for example `lib/**` + `/*.ts` */
export const sourceFiles = (pattern: string): readonly SourceFile[] =>
  globSync(pattern, { cwd: root })
    .filter((path) => !path.includes('node_modules'))
    .sort((a, b) => a.localeCompare(b))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, code: withoutComments(text) };
    });

/** One import of a file of the project by another. */
export interface Import {
  readonly from: string;
  readonly to: string;
  /** Gone at run time. */
  readonly typeOnly: boolean;
}

/** The relative imports and re-exports of a file, by paths below the checkout. */
export const importsOf = ({ path, code }: SourceFile): readonly Import[] =>
  [...code.matchAll(/^(?:import|export)\s(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm)].map(
    (match) => ({
      from: path,
      to: relative(root, join(root, dirname(path), match[2] ?? match[3] ?? '')),
      typeOnly: match[1] !== undefined,
    }),
  );
