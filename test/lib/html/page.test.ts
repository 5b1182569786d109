import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { badge, facts, fold, html, renderPage, table } from '../../../lib/html/index.ts';

const page = renderPage({
  title: 'A <title>',
  lead: html`<p>lead</p>`,
  sections: [{ id: 'one', title: 'One' }],
  body: html`<h2 id="one">One</h2>`,
  footer: 'the end',
  style: '.own { color: var(--bad); }',
  script: 'globalThis.own = 1;',
});

const inside = (element: string): string => new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(page)?.[1] ?? '';
const digestOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

test('a page is one file that loads nothing, and only what is in it may run', () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `style-src ${digestOf(inside('style'))}`,
    `script-src ${digestOf(inside('script'))}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(inside('style')).toContain('.own { color: var(--bad); }');
  expect(inside('script')).toContain('globalThis.own = 1;');
  expect(page).not.toMatch(/(?:src|href)="(?!#|data:)/);
  expect(page).not.toMatch(/@import|url\(/);
});

test('the policy stands before everything that it is about', () => {
  expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'));
});

test('landmarks, language, title and a way past the navigation', () => {
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(inside('title')).toBe('A &lt;title&gt;');
  expect(page).toContain('<a class="skip unseen" href="#main">');
  for (const part of ['<header>', '<nav aria-label="Sections">', '<main id="main" tabindex="-1">', '<footer>the end']) {
    expect(page).toContain(part);
  }
});

test('a table says what it is and what heads what', () => {
  const { markup } = table({
    caption: 'Bytes & more',
    columns: [{ title: 'step' }, { title: 'bytes', isNumber: true }],
    rows: [['image', 12], ['<vms>']],
  });
  expect(markup).toContain('<caption>Bytes &amp; more</caption>');
  expect(markup).toContain('<th scope="col">step</th><th scope="col" class="number">bytes</th>');
  expect(markup).toContain('<tr><th scope="row">image</th><td class="number">12</td></tr>');
  expect(markup).toContain('<tr><th scope="row">&lt;vms&gt;</th><td class="number"></td></tr>');
  expect(markup).toContain('role="region" aria-label="Bytes &amp; more" tabindex="0"');
});

test('folds, badges and facts', () => {
  expect(fold({ id: 'log', isOpen: true, summary: 'a<b', body: html`<pre>x</pre>` }).markup).toBe(
    '<details id="log" open><summary>a&lt;b</summary>\n<div class="fold"><pre>x</pre></div></details>',
  );
  expect(badge('bad', 'failed').markup).toBe('<span class="badge bad"><span aria-hidden="true">✗</span> failed</span>');
  expect(facts([['host', '<h>']]).markup).toBe('<dl><div><dt>host</dt><dd>&lt;h&gt;</dd></div>\n</dl>');
});
