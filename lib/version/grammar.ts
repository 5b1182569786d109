import { slipwayError } from '../errors/index.ts';
import { whyBadSuffix, whyTooLong } from './suffix.ts';
import { type Channel, channels, type Version, type VersionNumber } from './types.ts';

/** More digits than this would not be exact as numbers. */
const MAX_DIGITS = 15;

type Parsed<T> = { readonly value: T; readonly reason?: undefined } | { readonly reason: string };

const isChannel = (text: string): text is Channel => (channels as readonly string[]).includes(text);

const parseAfterChannel = (text: string, separators: string): Parsed<VersionNumber> => {
  const vernum = /^\d+\.\d+\.\d+/.exec(text)?.[0];
  if (vernum === undefined)
    return { reason: 'it does not have three numbers MAJOR.MINOR.PATCH where they are expected' };
  const [major = 0, minor = 0, patch = 0] = vernum.split('.').map(Number);
  if (vernum.split('.').some((digits) => digits.length > MAX_DIGITS)) {
    return { reason: `one of its numbers has more than ${MAX_DIGITS} digits` };
  }
  const rest = text.slice(vernum.length);
  const separator = rest.slice(0, 1);
  const buildId = rest.slice(1);
  if (rest !== '' && !separators.includes(separator)) {
    return {
      reason: `after ${vernum} comes ${JSON.stringify(separator)}, expected the end or '${separators[0]}' and a suffix`,
    };
  }
  if (rest !== '' && buildId === '') return { reason: `nothing follows the last '${separator}'` };
  const dockerForm = buildId === '' ? vernum : `${vernum}-${buildId}`;
  const reason = whyBadSuffix(buildId) ?? whyTooLong(dockerForm);
  if (reason !== undefined) return { reason };
  const cacheForm = buildId === '' ? vernum : `${vernum}+${buildId}`;
  return { value: { major, minor, patch, vernum, buildId, cacheForm, dockerForm, isOfficial: buildId === '' } };
};

const inspectTag = (text: string): Parsed<Version> => {
  if (text === '') return { reason: 'it is empty' };
  const dash = text.indexOf('-');
  const channel = dash < 0 ? text : text.slice(0, dash);
  if (dash < 0 || /^\d/.test(channel)) {
    return { reason: `it does not begin with a channel (${channels.join(', ')}) and '-'` };
  }
  if (!isChannel(channel)) {
    return { reason: `${JSON.stringify(channel)} is not a channel (${channels.join(', ')})` };
  }
  const number = parseAfterChannel(text.slice(dash + 1), '-');
  if (number.reason !== undefined) return number;
  const group = channel === 'main' ? 'developer' : channel;
  const value = { text, channel, group, suffix: number.value.buildId, ...number.value };
  return { value: Object.freeze(value) as Version };
};

/**
 * Why `text` is not a version, in words that continue "it is not a version:", or undefined when it is one.
 *
 * @example explainVersion('edge-1.2.3') // '"edge" is not a channel (main, alpha, beta, stable, lts)'
 */
export const explainVersion = (text: string): string | undefined => inspectTag(text).reason;

/**
 * Reads a tag `CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX]`. Flatcar's grammar, with a suffix of `0-9 A-Z a-z . _ -` only, so that no version
 * can be code, leave a path or break a git ref.
 *
 * Throws `VERSION_INVALID` with the reason.
 *
 * @example parseVersion('main-4799.0.0-nightly-20260821-2100').cacheForm // '4799.0.0+nightly-20260821-2100'
 */
export const parseVersion = (text: string): Version => {
  const parsed = inspectTag(text);
  if (parsed.reason !== undefined) throw slipwayError('VERSION_INVALID', { version: text, reason: parsed.reason });
  return parsed.value;
};

const inspectNumber = (text: string): Parsed<VersionNumber> => {
  const [channel = ''] = /^[a-z]+(?=-\d)/.exec(text) ?? [];
  return parseAfterChannel(isChannel(channel) ? text.slice(channel.length + 1) : text, '+-');
};

/** Like {@link explainVersion} for a version number. */
export const explainVersionNumber = (text: string): string | undefined => inspectNumber(text).reason;

/**
 * Reads a version number with or without a channel, its build id after `+` or `-`: what `version.txt` has and what users give as a seed.
 *
 * Throws `VERSION_NUMBER_INVALID` with the reason.
 *
 * @example parseVersionNumber('4799.0.0+nightly-20260821-2100').vernum // '4799.0.0'
 */
export const parseVersionNumber = (text: string): VersionNumber => {
  const parsed = inspectNumber(text);
  if (parsed.reason !== undefined)
    throw slipwayError('VERSION_NUMBER_INVALID', { version: text, reason: parsed.reason });
  return Object.freeze(parsed.value);
};
