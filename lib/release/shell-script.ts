import { type Facts, fill } from '../config/index.ts';
import { formatCommand } from '../log/index.ts';
import type { Credential } from './credentials.ts';

/** Where the credentials are in the publisher's container. */
export const CREDENTIALS_MOUNT = '/run/slipway-credentials';

/** Path of a credential's file in the container. */
const pathOf = (name: string): string => `${CREDENTIALS_MOUNT}/${name}`;

/**
 * One word of a shell script, with its placeholders filled and nothing in it that means something to the shell. The text of a credential is not in
 * the word, only where the shell in the container finds it.
 */
export const shellWord = (template: string, facts: Facts, credentials: readonly Credential[]): string => {
  const paths = Object.fromEntries(credentials.map(({ name }) => [name, pathOf(name)]));
  const texts = new Set(credentials.filter(({ kind }) => kind !== 'file').map(({ name }) => name));
  const parts = template.split(/(\$\{\w+\})/).filter((part) => part !== '');
  const word = parts.map((part) => {
    const name = part.slice(2, -1);
    if (part.startsWith('${') && texts.has(name)) return `"$(cat ${pathOf(name)})"`;
    const text = fill(part, { ...facts, ...paths });
    return text === '' ? '' : formatCommand([text]);
  });
  return word.join('') || "''";
};

/** A command as a line of a script. */
export const shellLine = (command: readonly string[], facts: Facts, credentials: readonly Credential[]): string =>
  command.map((word) => shellWord(word, facts, credentials)).join(' ');

/** What is run in a folder of its own. */
export interface FolderTask {
  /** Relative; made anew. */
  readonly folder: string;
  /** Run in the folder. */
  readonly inside: readonly string[];
  /** Run afterwards, beside the folder. */
  readonly beside?: readonly string[];
}

/**
 * What the publisher's container runs: each task in its folder, stopping at the first that fails. Whatever happens, what it left belongs to the
 * owner of the tree and not to the container's root, so that no later step needs more rights.
 */
export const folderScript = (tasks: readonly FolderTask[]): string => {
  const folders = formatCommand(tasks.map(({ folder }) => folder));
  const lines = tasks.flatMap(({ folder, inside, beside = [] }) => {
    const name = formatCommand([folder]);
    return [`rm -rf -- ${name}`, `mkdir -- ${name}`, `cd -- ${name}`, ...inside, 'cd ..', ...beside];
  });
  const own = `for folder in ${folders}; do [ ! -e "$top/$folder" ] || chown -R --reference="$top" -- "$top/$folder"; done`;
  return ['set -euo pipefail', 'top=$PWD', `trap '${own.replaceAll("'", `'\\''`)}' EXIT`, ...lines].join('\n');
};
