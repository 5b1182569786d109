import { type Content, type Html, html } from './template.ts';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Figures are set to the right, so that they can be compared. */
  readonly isNumber?: boolean;
}

/** A table for people and for screen readers. */
export interface TableContent {
  readonly caption: string;
  readonly columns: readonly Column[];
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly Content[])[];
  /** The heading above says the same already: the caption is for screen readers only. */
  readonly hidesCaption?: boolean;
}

const cellOf = (content: Content, { isNumber }: Column, isHeading: boolean): Html => {
  const look = isNumber ? html` class="number"` : html``;
  return isHeading ? html`<th scope="row"${look}>${content}</th>` : html`<td${look}>${content}</td>`;
};

/** A table with caption, scopes, and a frame of its own that scrolls sideways, with the keyboard too, where the window is narrow. */
export const table = ({ caption, columns, rows, hidesCaption = false }: TableContent): Html =>
  html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption${hidesCaption ? html` class="unseen"` : html``}>${caption}</caption>
<thead><tr>${columns.map(({ title, isNumber }) => html`<th scope="col"${isNumber ? html` class="number"` : html``}>${title}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${columns.map((column, index) => cellOf(cells[index], column, index === 0))}</tr>\n`)}</tbody>
</table></div>`;

/** Something that unfolds. */
export interface FoldContent {
  readonly summary: Content;
  readonly body: Content;
  readonly isOpen?: boolean;
  /** Anchor to link to; a link opens it. */
  readonly id?: string;
}

/** Something that unfolds without any script. */
export const fold = ({ summary, body, isOpen = false, id }: FoldContent): Html =>
  html`<details${id === undefined ? html`` : html` id="${id}"`}${isOpen ? html` open` : html``}><summary>${summary}</summary>
<div class="fold">${body}</div></details>`;

/** A page may lead to these; a relative address has no scheme. */
const SAFE_ADDRESS = /^(?:https?:|file:|#|\.{0,2}\/|[\w.+-]+(?:[/?#]|$))/i;

/** A link, or only its text when the address would do something else than lead somewhere (`javascript:` and the like). */
export const link = (address: string, text: Content): Html =>
  SAFE_ADDRESS.test(address) ? html`<a href="${address}">${text}</a>` : html`${text}`;

/** How something ended; it decides colour and sign. The words beside it say the same: nobody has to see the colour. */
export type Tone = 'good' | 'bad' | 'warning' | 'neutral';

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', warning: '!', neutral: '·' };

/** A short word with a colour and a sign, such as `✓ done`. */
export const badge = (tone: Tone, text: Content): Html =>
  html`<span class="badge ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${text}</span>`;

/** Name and value, one below the other. */
export const facts = (entries: readonly (readonly [name: string, value: Content])[]): Html =>
  html`<dl>${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
