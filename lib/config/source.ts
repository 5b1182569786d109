import type { ConfigFault } from '../errors/catalog/config.ts';
import type { ShellFile } from './shell-file.ts';

/** Where a value came from: a flag, the environment, a file (its path, and the line where that is known) or the built-in default. */
export type Origin =
  | { readonly kind: 'flag' | 'environment' | 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line?: number };

/** Something that sets settings. */
export interface Source {
  readonly origin: Origin;
  readonly where: string;
  readonly texts: Readonly<Record<string, string | undefined>>;
  /** Absolute folder for relative paths. */
  readonly base: string;
}

/** What was noticed on the way. */
export interface Notes {
  readonly warnings: string[];
  /** Settings whose value only a shell could tell, and that nobody else sets. */
  readonly unread: ConfigFault[];
}

/** An empty variable counts as not set; who gives a flag an empty value means it: `--buildcache-server ''` is the local folder. */
const has = ({ origin, texts }: Source, name: string): boolean =>
  origin.kind === 'flag' ? texts[name] !== undefined : texts[name] !== undefined && texts[name] !== '';

/** The tree's file as a source of one setting. */
const treeSource = ({ file }: ShellFile, name: string, value: string, line: number, base: string): Source => ({
  origin: { kind: 'file', file, line },
  where: `${file}:${line}`,
  texts: { [name]: value },
  base,
});

/**
 * Finds who decides a setting: a flag, the environment, our own files, the file of the tree's own steps.
 *
 * In such a file `NAME="${NAME:-value}"` leaves it to the environment and `NAME=value` does not, and so it is here: the second wins over the
 * environment, as long as no flag and none of our own files sets NAME.
 *
 * @param sources the strongest first; without the tree's file
 * @param cwd absolute; relative paths in the tree's file are against it
 */
export const chooseSource = (
  name: string,
  sources: readonly Source[],
  treeFile: ShellFile | undefined,
  cwd: string,
  notes: Notes,
): Source | undefined => {
  const strongest = sources.find((source) => has(source, name));
  const inTree = treeFile?.variables.get(name);
  const isOurs = sources.some((source) => source.origin.kind !== 'environment' && has(source, name));
  if (!treeFile || !inTree || isOurs) return strongest;
  const { value = '', unknown, line } = inTree;
  const place = `${treeFile.file}:${line}`;
  if (unknown !== undefined) {
    const text = `${place} sets ${name} by ${unknown}, which is not executed`;
    if (strongest) notes.warnings.push(`${text}; the environment's value is used.`);
    else notes.unread.push({ where: place, text: `${name}: ${unknown}` });
    return strongest;
  }
  if (value === strongest?.texts[name]) return strongest;
  if (strongest) {
    notes.warnings.push(
      `The environment's ${name} does not count: ${place} sets it whatever the environment says, as for the tree's own steps. To set it nevertheless, use the flag or a ci-config.env of Slipway's.`,
    );
  }
  return value === '' && !strongest ? undefined : treeSource(treeFile, name, value, line, cwd);
};

/** Statements that are not executed and may set anything at all: worth a word, whatever comes of it. */
export const warnOfUnread = ({ file, unread }: ShellFile, notes: Notes): void => {
  for (const { line, text } of unread.filter(({ assignsAnything }) => assignsAnything)) {
    notes.warnings.push(`${file}:${line} is not executed, and what it may set is not known here: ${text}`);
  }
};
