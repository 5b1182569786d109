import type { TapTest } from './types.ts';

/** What one line of a TAP document is. Everything that TAP does not know is `other` and has no meaning. */
export type TapLine =
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'plan'; readonly plan: number }
  | { readonly kind: 'test'; readonly test: Omit<TapTest, 'diagnostics'>; readonly number: number | undefined }
  | { readonly kind: 'bail-out'; readonly reason: string }
  | { readonly kind: 'subtest' }
  | { readonly kind: 'block-start' }
  | { readonly kind: 'other' };

/** ` # SKIP reason` or ` # TODO reason`; a `#` that is escaped by a backslash belongs to the name. */
const DIRECTIVE = /(?:^|\s)#\s*(skip(?:ped)?|todo)\b:?\s*(.*)$/i;

/** Takes back the two escapes of TAP 14, `\\` and `\#`. */
const unescapeTap = (text: string): string => text.replaceAll(/\\([\\#])/g, '$1');

const toPoint = (ok: boolean, text: string, decode: (text: string) => string): Omit<TapTest, 'diagnostics'> => {
  const match = DIRECTIVE.exec(text);
  if (!match) return { ok, name: decode(text) };
  const kind = (match[1] ?? '').toLowerCase() === 'todo' ? 'todo' : 'skip';
  return { ok, name: decode(text.slice(0, match.index)), directive: { kind, reason: decode(match[2] ?? '') } };
};

/** The name starts after the first ` - `; in a line without one, after the number. */
const TEST = /^(not )?ok(?=\s|$)(?:\s+(\d+)(?=\s|$))?(?:\s+-(?=\s|$))?\s*(.*)$/;

/**
 * Tells what a line is.
 *
 * @param line without its line end; leading blanks do not matter
 * @param version of the document: TAP has escapes since 14, before that a backslash is a backslash
 * @example parseTapLine('not ok 3 - cl.basic').test // { ok: false, name: 'cl.basic' }
 * @example parseTapLine('ok - cl.nfs # SKIP no server').test.directive // { kind: 'skip', reason: 'no server' }
 */
export const parseTapLine = (line: string, version = 12): TapLine => {
  const text = line.trim();
  const head = /^TAP version (\d+)$/i.exec(text);
  if (head) return { kind: 'version', version: Number(head[1]) };
  const plan = /^1\.\.(\d+)(?=\s|$)/.exec(text);
  if (plan) return { kind: 'plan', plan: Number(plan[1]) };
  if (text === '---') return { kind: 'block-start' };
  if (/^# Subtest\b/.test(text)) return { kind: 'subtest' };
  const bailOut = /^Bail out!\s*(.*)$/i.exec(text);
  if (bailOut) return { kind: 'bail-out', reason: bailOut[1] ?? '' };
  const test = TEST.exec(text);
  if (!test) return { kind: 'other' };
  const number = test[2] === undefined ? undefined : Number(test[2]);
  const point = toPoint(test[1] === undefined, test[3] ?? '', version >= 14 ? unescapeTap : (raw) => raw);
  return { kind: 'test', test: point, number };
};
