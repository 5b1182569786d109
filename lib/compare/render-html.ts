import { badge, fold, type Html, html, type Tone } from '../html/index.ts';
import { describeNode } from './describe.ts';
import { printable } from './printable.ts';
import type { Difference } from './types.ts';

const TONES: Readonly<Record<Difference['state'], Tone>> = {
  differs: 'warning',
  added: 'good',
  removed: 'bad',
  unreadable: 'bad',
};

/** Deep enough to see where the difference is; the rest unfolds. */
const OPEN_DEPTH = 4;

/** More children than that are not unfolded by themselves. */
const OPEN_CHILDREN = 30;

const countOf = ({ children, leftOut = 0 }: Difference): number => children.length + leftOut;

const facts = (node: Difference): Html | undefined => {
  const texts = describeNode(node);
  return texts.length === 0 ? undefined : html`<ul>${texts.map((text) => html`<li>${printable(text)}</li>`)}</ul>`;
};

const nodeHtml = (node: Difference, depth: number): Html => {
  const { path, kind, form, state, excerpt = [], children, leftOut = 0 } = node;
  const inside = countOf(node);
  const count = inside > 0 ? html` <span class="quiet">${inside} inside</span>` : undefined;
  const what = form === undefined ? kind : `${kind}, ${form}`;
  return fold({
    summary: html`${badge(TONES[state], state)} <code>${printable(path.at(-1) ?? '')}</code> <span class="quiet">${what}</span>${count}`,
    isOpen: depth < OPEN_DEPTH && inside <= OPEN_CHILDREN,
    body: html`${facts(node)}${excerpt.length > 0 && html`<pre>${excerpt.join('\n')}</pre>`}
${children.map((child) => nodeHtml(child, depth + 1))}${leftOut > 0 && html`<p>And ${leftOut} more that differ.</p>`}`,
  });
};

/** A tree of differences as folds inside of folds; the upper levels are open. */
export const renderHtml = (node: Difference): Html => nodeHtml(node, 0);
