import { createHash } from 'node:crypto';
import { BASE_STYLE } from './base-style.ts';
import { type Content, type Html, html, trusted } from './template.ts';

/** What is on a page. */
export interface PageContent {
  readonly title: string;
  /** Below the title: what this is, in a line or two. */
  readonly lead?: Content;
  /** Sections of the page to jump to, by their anchors. */
  readonly sections?: readonly { readonly id: string; readonly title: string }[];
  readonly body: Content;
  readonly footer?: Content;
  /** CSS of our own besides that of every page; may use its colours, such as `var(--bad)`. */
  readonly style?: string;
  /** JavaScript of our own besides that of every page; the page must be readable without it. */
  readonly script?: string;
}

/** A link into something folded opens it and everything around it; browsers that do so by themselves lose nothing. */
const BASE_SCRIPT = `
const openTarget = () => {
  let id = '';
  try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let one = target; one; one = one.parentElement) if (one.localName === 'details') one.open = true;
  const place = target.localName === 'details' ? target.querySelector('summary') : target;
  if (place.tabIndex < 0 && !place.hasAttribute('tabindex')) place.tabIndex = -1;
  place.focus({ preventScroll: true });
  target.scrollIntoView();
};
addEventListener('hashchange', openTarget);
openTarget();
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page may do nothing but show itself: what runs and what styles it is named by its digest, and nothing is loaded from anywhere. */
const policyOf = (style: string, script: string): string =>
  [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const navigation = (sections: NonNullable<PageContent['sections']>): Html =>
  html`<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`;

/**
 * A whole page in one file: style and script are inside, nothing is loaded from anywhere, and a policy forbids anything else to run.
 *
 * Because of that policy there are no `style` attributes: looks go by classes, SVG by its own attributes.
 *
 * @returns the text of the file
 */
export const renderPage = ({
  title,
  lead,
  sections = [],
  body,
  footer,
  style = '',
  script = '',
}: PageContent): string => {
  const styles = BASE_STYLE + style;
  const scripts = BASE_SCRIPT + script;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policyOf(styles, scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(styles)}</style>
</head>
<body>
<a class="skip unseen" href="#main">Skip to the content</a>
<header><h1>${title}</h1>${lead}</header>
${sections.length > 0 && navigation(sections)}
<main id="main" tabindex="-1">
${body}
</main>
${footer !== undefined && html`<footer>${footer}</footer>`}
<script>${trusted(scripts)}</script>
</body>
</html>
`;
  return page.markup;
};
