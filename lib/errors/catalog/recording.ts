import type { ErrorText } from '../slipway-error.ts';

/** Texts of the errors of recorded events: reading them, following them, making a report of them. */
export const recordingErrors = {
  EVENTS_NONE: (c: { place: string }): ErrorText => ({
    kind: 'misuse',
    message: `There are no recorded events in ${c.place}.`,
    hint: 'Each step records its events below __build__/slipway/events/ of the OS tree that it works in. Name that folder, the tree, or a file of events.',
  }),
  EVENTS_NONE_NEW: (c: { folder: string; waitMs: number }): ErrorText => ({
    kind: 'misuse',
    message: `No step has begun in ${c.folder} within ${c.waitMs / 1000} s.`,
    hint: 'A longer --wait waits longer; without --next the step that ran last is shown.',
  }),
  EVENTS_MISSING: (c: { path: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The events in ${c.path} cannot be read: ${c.reason}.`,
    hint: 'Name files that steps recorded (__build__/slipway/events/*.jsonl), or folders with them.',
  }),
  EVENTS_UNREADABLE: (c: { file: string; line: number; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.file}, line ${c.line}, is not an event of a step: ${c.reason}.`,
    hint: 'The file is damaged, or something else has been written into it. A line that breaks off at the end of a file is fine.',
  }),
  EVENTS_SCHEMA_UNKNOWN: (c: { file: string; line: number; seen: unknown; known: number }): ErrorText => ({
    kind: 'failure',
    message: `${c.file}, line ${c.line}: the events have the format ${c.seen === undefined ? '(none)' : JSON.stringify(c.seen)}; this Slipway reads format ${c.known}.`,
    hint: 'Read them with the Slipway that recorded them, or with a newer one.',
  }),
  STEP_VANISHED: (c: { step: string; file: string; hasPartOfLine: boolean }): ErrorText => ({
    kind: 'failure',
    message: `The step ${c.step} is not running any more and has not said how it ended: it was killed, or the machine was switched off.`,
    hint: `Its last words are above${c.hasPartOfLine ? '; the last line broke off' : ''}. All of them: ${c.file}\nRunning the step again is safe.`,
  }),
  WATCH_VALUE_INVALID: (c: { flag: string; value: string; expected: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.flag} cannot be ${JSON.stringify(c.value)}: expected ${c.expected}.`,
  }),
  REPORT_UNWRITABLE: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The report cannot be written to ${c.file}: ${c.reason}.`,
    hint: 'Name another file with --out.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
