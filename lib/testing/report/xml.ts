const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\n': '&#10;',
  '\t': '&#9;',
  '\r': '&#13;',
};

/** Characters that XML 1.0 has no way to write, not even escaped; consoles are full of them. */
const isForbidden = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return !'\t\n\r'.includes(character);
  return (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff;
};

const escapeCharacters = (text: string, keepLineEnds: boolean): string => {
  let escaped = '';
  for (const character of text) {
    if (isForbidden(character)) escaped += '\ufffd';
    else if (keepLineEnds && (character === '\n' || character === '\t')) escaped += character;
    else escaped += ENTITIES[character] ?? character;
  }
  return escaped;
};

/** Attributes of an element; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * One XML element.
 *
 * @param content text, or elements that this function made
 * @example element('a', { b: '"' }, { text: '1 < 2' }) // <a b="&quot;">1 &lt; 2</a>
 */
export const element = (
  name: string,
  attributes: Attributes,
  content: { readonly text: string } | readonly string[] = [],
): string => {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeCharacters(String(value), false)}"`);
  const inner =
    'text' in content ? escapeCharacters(content.text, true) : content.map((child) => `\n${child}`).join('');
  const open = `<${name}${pairs.join('')}`;
  if (inner === '') return `${open}/>`;
  return `${open}>${inner}${'text' in content ? '' : '\n'}</${name}>`;
};
