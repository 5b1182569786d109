import { createRequire } from 'node:module';

/** What the tests use of xterm's terminal. */
interface XtermBuffer {
  readonly length: number;
  readonly baseY: number;
  getLine(at: number): { translateToString(trimRight: boolean): string; readonly isWrapped: boolean } | undefined;
}

interface Xterm {
  readonly buffer: { readonly active: XtermBuffer };
  write(text: string, done: () => void): void;
  resize(columns: number, rows: number): void;
  dispose(): void;
}

// A CommonJS package whose names Node does not see from a module.
const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as {
  Terminal: new (options: {
    cols: number;
    rows: number;
    allowProposedApi: boolean;
    convertEol: boolean;
    scrollback: number;
  }) => Xterm;
};

/** A terminal of which one can read what a person would see. */
export interface TestScreen {
  columns: number;
  rows: number;
  write(text: string): void;
  resize(columns: number, rows: number): void;
  /** The rows that are in view, without spaces at their ends; empty ones at the end are left out. */
  seen(): Promise<string[]>;
  /** All rows, those that scrolled out of view as well. */
  all(): Promise<string[]>;
  dispose(): void;
}

/** Makes a real terminal emulator (xterm) without a window. `\n` also returns to the first column, as behind a pty. */
export const createTestScreen = (columns: number, rows: number): TestScreen => {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true, scrollback: 5000 });
  const linesFrom = async (first: (buffer: XtermBuffer) => number): Promise<string[]> => {
    await new Promise<void>((resolve) => terminal.write('', resolve));
    const buffer = terminal.buffer.active;
    const lines: string[] = [];
    for (let at = first(buffer); at < buffer.length; at += 1) {
      lines.push(buffer.getLine(at)?.translateToString(true) ?? '');
    }
    while (lines.at(-1) === '') lines.pop();
    return lines;
  };
  const screen: TestScreen = {
    columns,
    rows,
    write: (text) => terminal.write(text, () => {}),
    resize(wide, high) {
      screen.columns = wide;
      screen.rows = high;
      terminal.resize(wide, high);
    },
    seen: () => linesFrom(({ baseY }) => baseY),
    all: () => linesFrom(() => 0),
    dispose: () => terminal.dispose(),
  };
  return screen;
};
