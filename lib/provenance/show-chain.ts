import type { ChainLink } from './chain.ts';

const HEX_SHOWN = 12;

const shortDigest = (digest: string): string => {
  const [kind, hex = ''] = digest.split(':');
  return `${kind} ${hex.slice(0, HEX_SHOWN)}`;
};

const lineOf = ({ name, digest, detail, state, why }: ChainLink): string => {
  const marks = { ok: '', seen: '(see above)', gap: `GAP: ${why}`, broken: `BROKEN: ${why}` };
  return [name, digest && shortDigest(digest), detail, marks[state]].filter(Boolean).join('  ');
};

const below = (links: readonly ChainLink[], indent: string): string[] =>
  links.flatMap((link, at) => {
    const isLast = at === links.length - 1;
    const inner = below(link.links, `${indent}${isLast ? '   ' : '|  '}`);
    return [`${indent}${isLast ? '`- ' : '|- '}${lineOf(link)}`, ...inner];
  });

/** A chain as a tree, one line per link. */
export const showChain = (links: readonly ChainLink[]): readonly string[] =>
  links.flatMap((link) => [lineOf(link), ...below(link.links, '')]);

/** What is wrong in chains, one line each, without doubles. */
export const faultsIn = (links: readonly ChainLink[], state: 'gap' | 'broken'): readonly string[] => [
  ...new Set(
    links.flatMap((link) => [
      ...(link.state === state ? [`${link.name}: ${link.why}`] : []),
      ...faultsIn(link.links, state),
    ]),
  ),
];
