const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Where Unicode has a picture for each control character: U+2400 for NUL, and so on. */
const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = '\u2421';

/** What would turn the text after it around, so that a reader sees something else than is there. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

const pictureOf = (control: string): string =>
  control === '\u007f' ? DELETE_PICTURE : String.fromCodePoint(CONTROL_PICTURES + control.charCodeAt(0));

const codePointOf = (character: string): string =>
  `[U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`;

/**
 * A text from anywhere, for the content of an element or a quoted attribute of a page. Line ends and tabs stay; other control characters, and those
 * that change the direction of writing, are made visible.
 *
 * @example escapeText('</script> \u0007') // '&lt;/script&gt; ␇'
 */
export const escapeText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
    .replace(CONTROLS, pictureOf)
    .replace(BIDI_CONTROLS, codePointOf);
