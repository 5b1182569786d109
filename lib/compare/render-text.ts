import { describeNode } from './describe.ts';
import { printable } from './printable.ts';
import type { Difference } from './types.ts';

const SIGNS: Readonly<Record<Difference['state'], string>> = {
  differs: '~',
  added: '+',
  removed: '-',
  unreadable: '?',
};

/** How much of a tree a terminal gets. */
export interface TextLimits {
  readonly lines: number;
  /** Lines of an excerpt. */
  readonly excerpt: number;
}

const titleOf = ({ path, kind, form, state }: Difference): string => {
  const name = printable(path.at(-1) ?? '');
  const what = form === undefined ? kind : `${kind}, ${form}`;
  return `${SIGNS[state]} ${name} (${what}${state === 'differs' ? '' : `, ${state}`})`;
};

const linesOf = (node: Difference, depth: number, excerptLines: number): string[] => {
  const indent = '  '.repeat(depth);
  const texts = describeNode(node).map((text) => printable(text));
  const { excerpt = [], leftOut = 0 } = node;
  const cut = excerpt.length > excerptLines ? [`... ${excerpt.length - excerptLines} more lines`] : [];
  return [
    `${indent}${titleOf(node)}${texts.length > 0 ? `: ${texts.join('; ')}` : ''}`,
    ...[...excerpt.slice(0, excerptLines), ...cut].map((line) => `${indent}    ${printable(line)}`),
    ...node.children.flatMap((child) => linesOf(child, depth + 1, excerptLines)),
    ...(leftOut > 0 ? [`${indent}  ... and ${leftOut} more that differ`] : []),
  ];
};

/** A tree of differences for a terminal, from the top. */
export const renderText = (
  node: Difference,
  { lines, excerpt }: TextLimits = { lines: 200, excerpt: 10 },
): string[] => {
  const all = linesOf(node, 0, excerpt);
  return all.length <= lines ? all : [...all.slice(0, lines), `... ${all.length - lines} more lines`];
};
