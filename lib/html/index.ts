export {
  badge,
  type Column,
  type FoldContent,
  facts,
  fold,
  link,
  type TableContent,
  type Tone,
  table,
} from './elements.ts';
export { escapeText } from './escape.ts';
export { type PageContent, renderPage } from './page.ts';
export { type Content, Html, html, trusted } from './template.ts';
