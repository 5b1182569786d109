import { escapeText } from './escape.ts';

/** Markup that is safe to put into a page: made by {@link html}, or vouched for with {@link trusted}. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

/** What may stand in a template: markup as it is, texts and numbers escaped, lists one after the other; nothing for `undefined` and `false`. */
export type Content = Html | string | number | undefined | false | readonly Content[];

const markupOf = (content: Content): string => {
  if (content instanceof Html) return content.markup;
  if (content === undefined || content === false) return '';
  if (typeof content === 'object') return content.map(markupOf).join('');
  return escapeText(String(content));
};

/**
 * Makes markup. Every value is escaped, unless it is markup itself. A value may stand in the content of an element and in an attribute, but only
 * between quotes; never in a script, a style or the name of something.
 *
 * @example html`<td title="${name}">${text}</td>`
 */
export const html = (texts: TemplateStringsArray, ...values: readonly Content[]): Html =>
  new Html(texts.reduce((markup, text, index) => markup + markupOf(values[index - 1]) + text));

/** Markup that was not made by {@link html}. Only for texts of our own; never for anything that came from outside. */
export const trusted = (markup: string): Html => new Html(markup);
