import type { OutputModel } from './types.ts';

/** How much of what a command prints is kept. */
export interface OutputLimits {
  readonly head: number;
  readonly tail: number;
}

/** A line that goes on for ever would be no line that anybody reads. */
const MAX_LINE = 2000;

const cut = (line: string): string =>
  line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)} … (${line.length - MAX_LINE} more characters)`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of terminals
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;

/** What would be seen of a line on a terminal in the end: no colours, and of bars that are redrawn the last. */
export const plainLine = (line: string): string =>
  cut(
    line
      .replace(ESCAPES, '')
      .replace(/^.*\r(?!$)/s, '')
      .trimEnd(),
  );

/** Keeps the first and the last lines of an output of any length. */
export class OutputKeeper {
  #lines = 0;
  #head: string[] = [];
  /** A ring: the oldest line is at `#lines` modulo its size once it is full. */
  #tail: string[] = [];
  #tailAt = 0;
  #limits: OutputLimits;

  constructor(limits: OutputLimits) {
    this.#limits = limits;
  }

  add(line: string): void {
    const text = plainLine(line);
    this.#lines += 1;
    if (this.#head.length < this.#limits.head) {
      this.#head.push(text);
      return;
    }
    this.#tail[this.#tailAt] = text;
    this.#tailAt = (this.#tailAt + 1) % this.#limits.tail;
  }

  /** About how many characters are kept. */
  size(): number {
    return [...this.#head, ...this.#tail].reduce((sum, line) => sum + line.length, 0);
  }

  /** Lets go of all but so much. */
  shrinkTo(limits: OutputLimits): void {
    const { head, tail } = this.model();
    const kept = [...head, ...tail];
    const last = kept.slice(Math.max(limits.head, kept.length - limits.tail));
    this.#head = kept.slice(0, limits.head);
    this.#tail = last;
    this.#limits = limits;
    this.#tailAt = last.length % limits.tail;
  }

  model(): OutputModel {
    const tail = [...this.#tail.slice(this.#tailAt), ...this.#tail.slice(0, this.#tailAt)];
    return { lines: this.#lines, head: this.#head, tail, leftOut: this.#lines - this.#head.length - tail.length };
  }
}
