import { randomBytes } from 'node:crypto';

/** What the name of a recording says. */
export interface RecordingName {
  /** When the step started, ISO 8601 UTC. */
  readonly startedAt: string;
  /** Step, with the architecture where it has one, for example `image-amd64`. */
  readonly step: string;
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([\w.-]+)-[0-9a-f]{8}\.jsonl$/;

/** Beside a recording: the result file of its step, which the next run of the step replaces. */
const RESULT_EXTENSION = '.result.json';
const EXTENSION = '.jsonl';

/**
 * A name that no other recording has; names sort as the steps started.
 *
 * @param step for example `image-amd64`
 * @example 20261128T170106123Z-image-amd64-0123abcd.jsonl
 */
export const makeRecordingName = (step: string, startedAt: Date): string => {
  const stamp = startedAt.toISOString().replace(/[-:.]/g, '');
  return `${stamp}-${step.replace(/[^\w.-]/g, '_')}-${randomBytes(4).toString('hex')}${EXTENSION}`;
};

/** What a file name says, if it is one of a recording. */
export const parseRecordingName = (name: string): RecordingName | undefined => {
  const [, year, month, day, hour, minute, second, ms, step] = NAME.exec(name) ?? [];
  return step === undefined
    ? undefined
    : { startedAt: `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`, step };
};

/** Where the result of a recorded step is. @param file path of the recording */
export const resultBeside = (file: string): string =>
  `${file.endsWith(EXTENSION) ? file.slice(0, -EXTENSION.length) : file}${RESULT_EXTENSION}`;
