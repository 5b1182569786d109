import type { Sink } from './events.ts';
import type { Mask } from './mask.ts';
import { terminalSink } from './terminal/terminal-sink.ts';
import type { Folding } from './text/folding.ts';
import { plainSink } from './text/plain-sink.ts';

/** Where the text goes and what the place can show. */
export interface TextOutput {
  write(text: string): void;
  /** A live view only on a terminal; a file gets plain lines. */
  readonly isTerminal: boolean;
  /** Of a terminal; asked again whenever something is drawn. */
  readonly columns?: number;
  readonly rows?: number;
  /** How the CI that reads the lines folds them. */
  readonly folding?: Folding;
}

/** Of a terminal that does not say its size. */
const USUAL = { columns: 80, rows: 24 };

/**
 * The log for people: on a terminal a live view, elsewhere plain lines.
 *
 * @param output a terminal or a file
 * @param mask hides secrets in everything that is written
 */
export const textSink = (output: TextOutput, mask: Mask): Sink => {
  if (!output.isTerminal) return plainSink((text) => output.write(mask(text)), output.folding);
  const room = () => ({ columns: output.columns || USUAL.columns, rows: output.rows || USUAL.rows });
  return terminalSink((text) => output.write(text), room, mask);
};
