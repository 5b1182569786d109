import type { ErrorText } from '../slipway-error.ts';

const SHOWN_LENGTH = 100;

/** Text that somebody typed, fit for one line of a message: control characters as escapes, not longer than a line. */
const quote = (text: string): string => {
  const shown = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
  return `'${JSON.stringify(shown).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\')}'`;
};

/** Texts of the version errors. */
export const versionErrors = {
  VERSION_INVALID: (c: { version: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${quote(c.version)} is not a version: ${c.reason}.`,
    hint: 'A version is CHANNEL-MAJOR.MINOR.PATCH[-SUFFIX], for example main-4799.0.0-nightly-20260821-2100.',
  }),
  VERSION_NUMBER_INVALID: (c: { version: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${quote(c.version)} is not a version number: ${c.reason}.`,
    hint: 'A version number is MAJOR.MINOR.PATCH[+BUILD], for example 4799.0.0+nightly-20260821-2100; a tag such as main-4799.0.0 will do too.',
  }),
  VERSION_FILE_MISSING: (c: { file: string }): ErrorText => ({
    kind: 'misuse',
    message: `There is no version file ${c.file}.`,
    hint: 'Run the step in the root of a checkout of an OS tree.',
  }),
  VERSION_FILE_INVALID: (c: { file: string; line: number; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: c.line === 0 ? `${c.file}: ${c.reason}.` : `${c.file}, line ${c.line}: ${c.reason}.`,
    hint: `The file is read as data, one NAME=VALUE a line, and never executed. To have the committed one back: git checkout HEAD -- ${c.file}`,
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
