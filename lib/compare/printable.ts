const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A name or a text from an image for a terminal or a Markdown page, in one line: what would steer these is shown as its number. */
export const printable = (text: string): string =>
  text.toWellFormed().replaceAll('\t', ' ').replace(CONTROLS, escaped).replace(BIDI, escaped);
