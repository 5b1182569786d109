import type { StatusLine } from './gpg-status.ts';

/**
 * Name of the notation (RFC 9580, 5.2.3.24) in which a signature says under which path of the cache the signed file belongs. It is in the
 * hashed part of the signature, and not critical.
 */
export const PATH_NOTATION = 'path@slipway.build';

/** The path as it stands in a URL: plain ASCII, whatever the locale of the programs on the way. */
const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/').replaceAll('%2B', '+');

/** Options of gpg that put the path into a signature. */
export const notationArgs = (path: string | undefined): readonly string[] => {
  if (path === undefined) return [];
  // gpg replaces %-sequences in it, and %% by %.
  return ['--sig-notation', `${PATH_NOTATION}=${encodePath(path).replaceAll('%', '%%')}`];
};

/** In status lines, gpg writes some bytes as % and two hex digits. */
const unescapeStatus = (text: string): string =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/**
 * Paths that a signature says, in the encoded form; gpg reports notations of the hashed part only.
 *
 * @param lines status lines of one signature
 */
const findPaths = (lines: readonly StatusLine[]): readonly string[] => {
  const paths: string[] = [];
  let isPath = false;
  for (const { keyword, args } of lines) {
    if (keyword === 'NOTATION_NAME') {
      isPath = args[0] === PATH_NOTATION;
      if (isPath) paths.push('');
    }
    // A long value comes in several lines.
    if (keyword === 'NOTATION_DATA' && isPath) paths.push((paths.pop() ?? '') + unescapeStatus(args.join(' ')));
  }
  return paths;
};

const decode = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
};

/** What a signature says of its path: nothing, the right one, or another. */
export type Binding = { readonly state: 'none' | 'right' } | { readonly state: 'other'; readonly path: string };

/**
 * Compares what a signature says with where it was found. One that says several paths, of which one is not right, is not right.
 *
 * @param path undefined: any is right
 */
export const bindingOf = (lines: readonly StatusLine[], path: string | undefined): Binding => {
  const paths = findPaths(lines);
  if (paths.length === 0) return { state: 'none' };
  const other = path === undefined ? undefined : paths.find((one) => one !== encodePath(path));
  return other === undefined ? { state: 'right' } : { state: 'other', path: decode(other) };
};
