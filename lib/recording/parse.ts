import { slipwayError } from '../errors/index.ts';
import { EVENT_SCHEMA, type LogEvent } from '../log/index.ts';
import { isKnownKind, wrongFieldOf } from './shapes.ts';

/** The first line of a recording. */
export interface RecordingHeader {
  readonly kind: 'recording';
  readonly schema: number;
  readonly step: string;
  /** Own name of the process that writes, for finding out whether it is still there. */
  readonly owner: string;
  readonly run?: string;
}

/** One line of a recording. */
export interface RecordedEvent {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly event: LogEvent | RecordingHeader;
}

/** Where a line is, for error texts. */
export interface LinePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

const isHeader = (fields: Record<string, unknown>): boolean =>
  typeof fields.step === 'string' &&
  typeof fields.owner === 'string' &&
  (fields.run === undefined || typeof fields.run === 'string');

/**
 * Reads one line of a recording, or of what a step writes with `--json`.
 *
 * @returns undefined for a kind of event that this Slipway does not know, and for an empty line
 * @throws EVENTS_UNREADABLE, EVENTS_SCHEMA_UNKNOWN
 */
export const parseRecordedLine = (text: string, place: LinePlace): RecordedEvent | undefined => {
  if (text.trim() === '') return undefined;
  const fail = (reason: string, cause?: unknown) => slipwayError('EVENTS_UNREADABLE', { ...place, reason }, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail('it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('it is not an object');
  const fields = value as Record<string, unknown>;
  const { kind, time, schema } = fields;
  if (typeof kind !== 'string') throw fail("it has no 'kind'");
  if ((kind === 'recording' || kind === 'step-started') && schema !== EVENT_SCHEMA) {
    throw slipwayError('EVENTS_SCHEMA_UNKNOWN', { ...place, seen: schema, known: EVENT_SCHEMA });
  }
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(timeMs)) throw fail("its 'time' is not a time");
  if (kind === 'recording') {
    if (!isHeader(fields)) throw fail("it does not say 'step' and 'owner'");
    return { timeMs, event: fields as unknown as RecordingHeader };
  }
  if (!isKnownKind(kind)) return undefined;
  const wrong = wrongFieldOf(kind, fields);
  if (wrong !== undefined) throw fail(`'${wrong}' of an event '${kind}' is missing or not what it should be`);
  return { timeMs, event: fields as unknown as LogEvent };
};
