import type { FrameLine, Room } from './frame.ts';
import { paint } from './style.ts';
import { displayWidth } from './width.ts';

/** The part of the terminal that is drawn again and again, below what has scrolled. */
export interface Screen {
  /** Shows `lines` in the place of what was drawn before; `above` scrolls away for good, whole lines. */
  update(above: string, lines: readonly FrameLine[]): void;
}

/**
 * Makes a {@link Screen}.
 *
 * The cursor always waits at the start of the empty line below what is drawn: what others write there (the `^C` of the terminal, the prompt of
 * the shell after a kill) spoils nothing, and there is no state of the terminal that would have to be restored.
 *
 * @param write one call per change, so that no half of it is seen
 */
export const createScreen = (write: (text: string) => void, room: () => Room): Screen => {
  let drawn: readonly FrameLine[] = [];
  let shown = '';

  /** Rows that are taken by what was drawn: a terminal that became narrower has wrapped it. */
  const rowsTaken = (): number => {
    const { columns } = room();
    return drawn.reduce((sum, { text }) => sum + Math.max(1, Math.ceil(displayWidth(text) / columns)), 0);
  };

  return {
    update(above, lines) {
      const text = lines.map(({ text: line, tone }) => `${paint(line, tone)}\n`).join('');
      const { columns, rows: high } = room();
      const showing = `${columns}x${high}\n${text}`;
      // The same on a window of another size is not the same: what was drawn was wrapped or moved.
      if (above === '' && showing === shown) return;
      const rows = rowsTaken();
      const back = rows === 0 ? '' : `\r\u001b[${rows}A\u001b[J`;
      write(`${back}${above}${text}`);
      drawn = lines;
      shown = showing;
    },
  };
};
