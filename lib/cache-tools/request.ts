import { slipwayError } from '../errors/index.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3600_000, d: 24 * 3600_000, m: 60_000, s: 1000 };

/**
 * A number of a flag; undefined when the flag was not given.
 *
 * Throws `CACHE_TOOL_VALUE_INVALID`.
 */
export const parseNumber = (flag: string, value: string | undefined): number | undefined => {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw slipwayError('CACHE_TOOL_VALUE_INVALID', { flag, value, reason: 'expected a whole number' });
};

/**
 * A time span in milliseconds: a number with `s`, `m`, `h` or `d`; 0 needs no unit.
 *
 * Throws `CACHE_TOOL_VALUE_INVALID`.
 * @example parseDuration('--grace', '36h') // 129600000
 */
export const parseDuration = (flag: string, value: string): number => {
  const [, count, unit] = /^(\d{1,9})([smhd])?$/.exec(value) ?? [];
  if (count !== undefined && (unit !== undefined || Number(count) === 0))
    return Number(count) * (UNITS[unit ?? 's'] as number);
  const reason = 'expected a number with s, m, h or d, such as 24h, or 0';
  throw slipwayError('CACHE_TOOL_VALUE_INVALID', { flag, value, reason });
};

/** Where a copy of the cache is to be: a folder, or an account and a folder on a server. */
export type MirrorTarget =
  | { readonly dir: string }
  | { readonly server: string; readonly user: string | undefined; readonly pathPrefix: string };

/**
 * Reads the target of a mirror as rsync has it: `[USER@]HOST:/FOLDER`, or a folder of this machine.
 *
 * @example parseMirrorTarget('bincache@cache2.example:/srv/cache') // { server: 'cache2.example', user: 'bincache', pathPrefix: '/srv/cache' }
 */
export const parseMirrorTarget = (text: string): MirrorTarget => {
  const [, user, server, pathPrefix] = /^(?:([^@/:]+)@)?([^/:]+):(\/.*)$/.exec(text) ?? [];
  return server === undefined || pathPrefix === undefined ? { dir: text } : { server, user, pathPrefix };
};
