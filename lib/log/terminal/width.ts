/** Drawn over the character before, or not at all. */
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Scripts and pictures that take two columns (Unicode, East Asian Width: W and F). */
const WIDE =
  /[\u{1100}-\u{115F}\u{231A}\u{231B}\u{23E9}-\u{23F3}\u{25FD}\u{25FE}\u{2614}\u{2615}\u{2E80}-\u{303E}\u{3041}-\u{A4CF}\u{A960}-\u{A97C}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE10}-\u{FE19}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;

/** Of printable ASCII nothing needs to be looked up. */
const PLAIN = /^[ -~]*$/;

const widthOf = (character: string): number => (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/**
 * Columns that a text without control characters takes on a terminal; where terminals disagree, the larger number.
 *
 * @example displayWidth('日本') // 4
 */
export const displayWidth = (text: string): number => {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
};

/**
 * As much of a text as fits, with an ellipsis where something was cut off.
 *
 * @param columns at least 1
 * @example truncate('abcdef', 4) // 'abc…'
 */
export const truncate = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
};
