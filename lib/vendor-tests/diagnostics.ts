/*
 * Texts here are bytes: one character per byte ('latin1'). The form is that of the reports which the tree's own automation makes, and
 * which its readers know.
 */

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const toBytes = (codePoint: number): string =>
  codePoint <= 0x10ffff ? Buffer.from(String.fromCodePoint(codePoint)).toString('latin1') : '?';

/** Escapes of `echo -e`; `\c` ends the text, and there is no line end after it. */
const ESCAPE = /\\(?:([abeEfnrtv\\])|0([0-7]{0,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(c))/g;

const decode = (_whole: string, simple?: string, octal?: string, hex?: string, u4?: string, u8?: string): string => {
  if (simple !== undefined) return SIMPLE[simple] ?? '';
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal || '0', 8) & 0xff);
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  return toBytes(Number.parseInt(u4 ?? u8 ?? '', 16));
};

/** What `echo -e LINE` writes; a line that looks like options of echo is taken for that. */
const expand = (line: string): string => {
  if (/^-[neE]+$/.test(line)) return line.includes('n') ? '' : '\n';
  let end = line.length;
  for (const match of line.matchAll(ESCAPE)) if (match[6] !== undefined) end = Math.min(end, match.index);
  const text = line.slice(0, end).replaceAll(ESCAPE, decode);
  return end < line.length ? text : `${text}\n`;
};

/** No character that a reader of TAP or a shell could trip over; a mark after every 200 bytes. */
const cleanLine = (line: string): string =>
  line
    .replace(/^Error: "--- FAIL: /, '"')
    .replace(/^[ \t\v\f\r]+/, '')
    .replaceAll(/[>\\"']/g, '_')
    .replaceAll(/[\t\v\f\r]/g, ' ')
    .replaceAll(/.{200}/gs, '$&\n')
    .replaceAll(/[^ -~]/g, (byte) => (byte === '\x1f' || byte === '\x7f' ? byte : '?'));

/**
 * One line of a diagnostics block in the form of the reports: its escapes expanded (kola writes a whole block as one line with `\n` in it), quotes
 * and the like as `_`, what is not ASCII as one `?` per byte.
 *
 * @param line one character per byte, without blanks at its ends
 * @returns zero or more lines, each with its line end
 * @example cleanDiagnostics('Error: "--- FAIL: cl.x (1s)\\n    \'a\' > b"') // '_cl.x (1s)\n_a_ _ b_\n'
 */
export const cleanDiagnostics = (line: string): string => expand(line).split('\n').map(cleanLine).join('\n');
