import { describe, expect, test } from '@jest/globals';
import { escapeText, html, link, trusted } from '../../../lib/html/index.ts';
import { fc } from '../../helpers/fast-check.ts';

describe('escaping', () => {
  test('nothing that came from outside can open or end an element, an attribute or a script', () => {
    const hostile = `</script><img src=x onerror='alert(1)' title="\`">&lt;`;
    expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
      '<p title="&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39; title=&quot;&#96;&quot;&gt;&amp;lt;">' +
        '&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39; title=&quot;&#96;&quot;&gt;&amp;lt;</p>',
    );
  });

  test('whatever the text is, the result has no markup and no control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
        expect(escapeText(text)).not.toMatch(/[<>"'`\u0000-\u0008\u000b-\u001f\u007f]/);
        expect(escapeText(text).isWellFormed()).toBe(true);
      }),
    );
  });

  test('line ends and tabs stay, other control characters are seen', () => {
    expect(escapeText('a\tb\r\nc\n')).toBe('a\tb\nc\n');
    expect(escapeText('\u0000\u001b[31m\u007f')).toBe('␀␛[31m␡');
  });

  test('what turns the direction of writing is seen', () => {
    expect(escapeText('user\u202etxt.exe')).toBe('user[U+202E]txt.exe');
  });

  test('half a character does not spoil the file', () => {
    expect(escapeText('\ud800')).toBe('\ufffd');
  });
});

describe('templates', () => {
  test('markup stays, lists follow each other, nothing is nothing', () => {
    expect(html`<ul>${[1, 'a&b'].map((one) => html`<li>${one}</li>`)}</ul>${undefined}${false}`.markup).toBe(
      '<ul><li>1</li><li>a&amp;b</li></ul>',
    );
    expect(html`${trusted('<b>')}${['<b>', [html`<i>`]]}`.markup).toBe('<b>&lt;b&gt;<i>');
    expect(html`${0}${''}`.markup).toBe('0');
  });

  test('links lead somewhere or are texts', () => {
    expect(link('https://cache.test/a?b&c', 'x<').markup).toBe('<a href="https://cache.test/a?b&amp;c">x&lt;</a>');
    expect(link('#phase-1', 'there').markup).toBe('<a href="#phase-1">there</a>');
    expect(link('images/a.bin', 'file').markup).toBe('<a href="images/a.bin">file</a>');
    for (const address of [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:text/html,x',
      'vbscript:x',
      '',
    ]) {
      expect(link(address, 'text').markup).toBe('text');
    }
  });
});
