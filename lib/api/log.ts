import { createLog, createMask, jsonSink, type Log, type TextOutput, textSink } from '../log/index.ts';

export type { Log, TextOutput };

/** How a log is written. */
export interface LogOptions {
  /** Texts that are never to appear; default none. */
  readonly secrets?: readonly string[];
  /** Events as JSON lines instead of text; default false. */
  readonly json?: boolean;
}

/**
 * Makes the log that the steps have: phases, commands and transfers for people, or events as JSON lines.
 *
 * @param output where it goes, and whether that is a terminal
 * @example openLog({ write: (text) => process.stderr.write(text), isTerminal: false })
 */
export const openLog = (output: TextOutput, { secrets = [], json = false }: LogOptions = {}): Log => {
  const mask = createMask(secrets);
  const sink = json
    ? jsonSink(
        (line) => output.write(line),
        mask,
        () => new Date(),
      )
    : textSink(output, mask);
  return createLog(sink, Date.now, mask);
};
