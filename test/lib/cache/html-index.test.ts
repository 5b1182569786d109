import { expect, test } from '@jest/globals';
import { parseHtmlIndex } from '../../../lib/cache/https/html-index.ts';
import { fc } from '../../helpers/fast-check.ts';

const URL_ = 'https://cache.test/containers/';

test('a listing of nginx', () => {
  const html = `<html><head><title>Index of /containers/</title></head><body><h1>Index of /containers/</h1><hr><pre><a href="../">../</a>
<a href="4799.0.0%2Bnightly-20260821-2100/">4799.0.0+nightly-20260821-2100/</a>   21-Aug-2026 21:00       -
<a href="4800.0.0/">4800.0.0/</a>   22-Aug-2026 21:00       -
<a href="a%20b.txt">a b.txt</a> 22-Aug-2026 21:00  5
</pre><hr></body></html>`;
  expect(parseHtmlIndex(html, URL_)).toEqual(['4799.0.0+nightly-20260821-2100', '4800.0.0', 'a b.txt']);
});

test('a listing of Apache and one of Caddy', () => {
  const apache = `<th><a href="?C=N;O=D">Name</a></th><tr><td><a href="/">Parent Directory</a></td></tr>
<tr><td valign="top"><img src="/icons/folder.gif"></td><td><a href="x&amp;y/">x&amp;y/</a></td></tr>`;
  expect(parseHtmlIndex(apache, URL_)).toEqual(['x&y']);
  const caddy = `<a class="goup" href=".."><a href="./one/"><span class="name">one/</span></a> <a href='./two'>two</a>
<a href="https://caddyserver.com">Caddy</a>`;
  expect(parseHtmlIndex(caddy, URL_)).toEqual(['one', 'two']);
});

test('any text is read without an error, and no name leads out of the folder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (href) => {
      for (const name of parseHtmlIndex(`<a href="${href}">x</a>`, URL_)) expect(name).not.toMatch(/^\.\.?$/);
    }),
  );
});
