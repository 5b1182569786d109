/** Keeps the last lines of an output; what an error shows of a long log. */
export interface Tail {
  add(line: string): void;
  text(): string;
}

/** @param limit how many lines are kept */
export const createTail = (limit = 20): Tail => {
  const lines: string[] = [];
  return {
    add(line) {
      lines.push(line);
      if (lines.length > limit) lines.shift();
    },
    text: () => lines.join('\n'),
  };
};
